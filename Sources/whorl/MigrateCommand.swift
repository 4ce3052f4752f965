import ArgumentParser
import Foundation
import JobStore
import PostgresClient

/// Brings the database's schema to a version.
struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate",
        abstract: "Create or update the database's tables.",
        discussion: """
            Runs the numbered migrations that the database lacks, one a transaction, under an advisory lock. A migration whose \
            file was changed after it ran is refused. --to a lower version takes migrations back, and their data with them.
            """)

    @OptionGroup var database: DatabaseOption

    @Option(
        help: ArgumentHelp(
            "The folder of migrations. Default: \(MigrationsFolder.variable), else the one that came with this program.",
            valueName: "dir"))
    var migrations: String?

    @Option(help: ArgumentHelp("The version to go to. Default: the newest.", valueName: "version"))
    var to: Int?

    @Option(help: ArgumentHelp("How long to wait for the server to come up.", valueName: "seconds"))
    var wait = 0.0

    func validate() throws {
        guard (0...86_400).contains(wait) else { throw ValidationError("--wait must be 0 to 86400 seconds") }
        guard (to ?? 0) >= 0 else { throw ValidationError("--to must be 0 or more") }
    }

    func run() async throws {
        let steps = try Migration.read(directory: MigrationsFolder.resolve(migrations))
        let report = try await database.withPool(applicationName: "whorl-migrate") { pool in
            try await migrate(Migrator(pool: pool, migrations: steps))
        }
        for name in report.applied { print("applied \(name)") }
        for name in report.reverted { print("reverted \(name)") }
        print("the schema is at version \(report.version)")
    }

    /// Migrates, and tries again while no connection could be made and time is left; what has run stays run.
    private func migrate(_ migrator: Migrator) async throws -> Migrator.Report {
        let deadline = ContinuousClock.now + .seconds(wait)
        while true {
            do {
                return try await migrator.migrate(to: to)
            } catch let error as PostgresError where error.isStartup && ContinuousClock.now < deadline {
                try await Task.sleep(for: .milliseconds(500))
            }
        }
    }
}

extension PostgresError {
    /// Whether the server is not there yet: no connection, or 57P03 cannot_connect_now.
    fileprivate var isStartup: Bool {
        if case .connection = kind { return true }
        return sqlState == "57P03"
    }
}

/// Where the migrations are when nobody says.
enum MigrationsFolder {
    static let variable = "WHORL_MIGRATIONS"
    /// A folder that happens to be called `migrations` may be another program's; ours has this file.
    private static let firstFile = "0001_jobs.up.sql"

    /// The option's value, else the environment's, else the first of ours: in the working directory, installed beside the
    /// program, or in a folder above it, as in a source tree.
    static func resolve(_ option: String?) throws(CommandFailure) -> String {
        if let option { return option }
        if let folder = ProcessInfo.processInfo.environment[variable], !folder.isEmpty { return folder }
        var candidates = ["migrations"]
        var folder = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        candidates.append(folder.appendingPathComponent("../share/whorl/migrations").standardized.path)
        while folder.path != "/" {
            candidates.append(folder.appendingPathComponent("migrations").path)
            folder.deleteLastPathComponent()
        }
        guard let found = candidates.first(where: { FileManager.default.fileExists(atPath: "\($0)/\(firstFile)") }) else {
            throw CommandFailure(
                .failure, code: "migrations_missing", "no migrations found; give --migrations DIR or set \(variable)")
        }
        return found
    }
}
