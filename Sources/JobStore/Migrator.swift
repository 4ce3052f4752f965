import Crypto
import Foundation
import PostgresClient

/// One numbered step of the schema: `NNNN_name.up.sql` and `NNNN_name.down.sql`.
public struct Migration: Hashable, Sendable {
    public let version: Int
    public let name: String
    public let up: String
    public let down: String

    /// SHA-256 over both directions, hex: a changed old file is noticed by it.
    public var checksum: String {
        SHA256.hash(data: Data((up + "\u{0}" + down).utf8)).hexText
    }

    /// Reads all migrations of a directory, in order.
    ///
    /// - Throws: `MigrationError` when a number is missing or taken twice, or a direction has no file.
    public static func read(directory: String) throws(MigrationError) -> [Migration] {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
        } catch {
            throw MigrationError("cannot read the migrations in \(directory): \(error.localizedDescription)")
        }
        var migrations: [Migration] = []
        for name in names where name.hasSuffix(".up.sql") {
            let stem = String(name.dropLast(".up.sql".count))
            guard let version = Int(stem.prefix(4)), stem.dropFirst(4).first == "_" else {
                throw MigrationError("\(name): a migration is named NNNN_name.up.sql")
            }
            guard version == migrations.count + 1 else {
                throw MigrationError("\(name): expected number \(migrations.count + 1); numbers neither repeat nor skip")
            }
            migrations.append(Migration(
                version: version, name: stem,
                up: try text(of: "\(directory)/\(name)"), down: try text(of: "\(directory)/\(stem).down.sql")))
        }
        guard !migrations.isEmpty else { throw MigrationError("there are no migrations in \(directory)") }
        return migrations
    }

    private static func text(of path: String) throws(MigrationError) -> String {
        do {
            return try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            throw MigrationError("cannot read \(path): \(error.localizedDescription)")
        }
    }
}

/// Why the schema was left as it is.
public struct MigrationError: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) {
        self.description = description
    }
}

/// Brings a database's schema to a version, one migration a transaction, under an advisory lock so that two starts at
/// one moment do not collide.
public struct Migrator: Sendable {
    /// "whorl" as digits; one lock for all of a database's migrations.
    private static let lockKey = 1_195_725_856
    private let pool: PostgresPool
    private let migrations: [Migration]

    public init(pool: PostgresPool, migrations: [Migration]) {
        self.pool = pool
        self.migrations = migrations
    }

    /// What was done.
    public struct Report: Hashable, Sendable {
        public var applied: [String]
        public var reverted: [String]
        /// The schema's version afterwards.
        public var version: Int
    }

    /// Applies what is missing up to `target`, or takes back what is beyond it.
    ///
    /// - Parameter target: a version from 0 to the newest; nil for the newest.
    /// - Throws: `MigrationError` if an applied migration's files were changed or are gone; `PostgresError`.
    public func migrate(to target: Int? = nil) async throws -> Report {
        let newest = migrations.count
        let target = target ?? newest
        guard (0...newest).contains(target) else {
            throw MigrationError("there is no version \(target); known are 0 to \(newest)")
        }
        var report = Report(applied: [], reverted: [], version: target)
        while try await step(towards: target, report: &report) {}
        return report
    }

    /// One migration in one transaction; false when there is nothing left to do.
    private func step(towards target: Int, report: inout Report) async throws -> Bool {
        let (applied, reverted): (String?, String?) = try await pool.withTransaction { transaction in
            try await transaction.query("SELECT pg_advisory_xact_lock($1)", [Self.lockKey], timeout: .seconds(120))
            try await transaction.executeScript("""
                CREATE TABLE IF NOT EXISTS schema_migrations (
                    version    integer     PRIMARY KEY,
                    name       text        NOT NULL,
                    checksum   text        NOT NULL,
                    applied_at timestamptz NOT NULL DEFAULT now()
                )
                """)
            let current = try await checkedVersion(transaction)
            if current < target {
                let next = migrations[current]
                try await transaction.executeScript(next.up, timeout: .seconds(600))
                try await transaction.execute(
                    "INSERT INTO schema_migrations (version, name, checksum) VALUES ($1::int, $2, $3)",
                    [next.version, next.name, next.checksum])
                return (next.name, nil)
            }
            if current > target {
                let last = migrations[current - 1]
                try await transaction.executeScript(last.down, timeout: .seconds(600))
                try await transaction.execute("DELETE FROM schema_migrations WHERE version = $1::int", [last.version])
                return (nil, last.name)
            }
            return (nil, nil)
        }
        if let applied { report.applied.append(applied) }
        if let reverted { report.reverted.append(reverted) }
        return applied != nil || reverted != nil
    }

    /// The database's version, after checking that every applied migration is still the one in the directory.
    private func checkedVersion(_ transaction: PostgresTransaction) async throws -> Int {
        let rows = try await transaction.query("SELECT version, name, checksum FROM schema_migrations ORDER BY version")
        for (index, row) in rows.enumerated() {
            let version: Int = try row.decode("version")
            let name: String = try row.decode("name")
            guard version == index + 1 else {
                throw MigrationError("schema_migrations lacks version \(index + 1); the table was changed by hand")
            }
            guard version <= migrations.count else {
                throw MigrationError("the database is at \(name), newer than this program knows; use a newer program")
            }
            guard migrations[index].checksum == (try row.decode("checksum", as: String.self)) else {
                throw MigrationError(
                    "\(migrations[index].name) was changed after it was applied; restore it and add a new migration")
            }
        }
        return rows.count
    }
}
