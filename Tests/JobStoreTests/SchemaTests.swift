import Foundation
import JobModel
import JobStore
import PostgresClient
import TestServers
import Testing

@Suite struct MigrationTests {
    @Test func migrationsGoUpAndDownAndUpAgain() async throws {
        try await TestDatabase.with { (_, pool) async throws in
            let migrations = try Migration.read(directory: StoreFixture.migrationsDirectory)
            let migrator = Migrator(pool: pool, migrations: migrations)
            let up = try await migrator.migrate()
            #expect(up.applied == migrations.map(\.name) && up.version == migrations.count)
            #expect(try await migrator.migrate().applied.isEmpty)
            let down = try await migrator.migrate(to: 0)
            #expect(down.reverted == migrations.reversed().map(\.name))
            let left = try await pool.query("""
                SELECT count(*) AS n FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') AND relname <> 'schema_migrations'
                """)
            #expect(try left[0].decode("n", as: Int.self) == 0)
            #expect(try await migrator.migrate().applied == migrations.map(\.name))
        }
    }

    @Test func twoMigratorsAtOnceDoNotCollide() async throws {
        try await TestDatabase.with { (_, pool) async throws in
            let migrations = try Migration.read(directory: StoreFixture.migrationsDirectory)
            async let first = Migrator(pool: pool, migrations: migrations).migrate()
            async let second = Migrator(pool: pool, migrations: migrations).migrate()
            let applied = try await (first.applied + second.applied)
            #expect(applied.sorted() == migrations.map(\.name), "each once, by whichever came first")
        }
    }

    @Test func aChangedOldFileIsRefused() async throws {
        let directory = try MigrationFolder()
        try directory.write("0001_one", up: "CREATE TABLE one (a int)", down: "DROP TABLE one")
        try await TestDatabase.with { (_, pool) async throws in
            _ = try await Migrator(pool: pool, migrations: Migration.read(directory: directory.path)).migrate()
            try directory.write("0001_one", up: "CREATE TABLE one (a bigint)", down: "DROP TABLE one")
            try directory.write("0002_two", up: "CREATE TABLE two (a int)", down: "DROP TABLE two")
            let changed = try Migration.read(directory: directory.path)
            let error = await #expect(throws: MigrationError.self) {
                try await Migrator(pool: pool, migrations: changed).migrate()
            }
            #expect(error?.description.contains("0001_one was changed") == true)
        }
        directory.remove()
    }

    @Test func aFailingMigrationLeavesNothing() async throws {
        let directory = try MigrationFolder()
        try directory.write("0001_one", up: "CREATE TABLE one (a int); SELECT 1/0;", down: "DROP TABLE one")
        try await TestDatabase.with { (_, pool) async throws in
            let migrator = Migrator(pool: pool, migrations: try Migration.read(directory: directory.path))
            await #expect(throws: PostgresError.self) { try await migrator.migrate() }
            let rows = try await pool.query("SELECT to_regclass('one') IS NULL AS gone")
            #expect(try rows[0].decode("gone", as: Bool.self))
        }
        directory.remove()
    }

    @Test func gapsAndMissingDirectionsAreRefused() throws {
        let directory = try MigrationFolder()
        #expect(throws: MigrationError.self) { try Migration.read(directory: directory.path) }
        try directory.write("0002_two", up: "SELECT 1", down: "SELECT 1")
        #expect(throws: MigrationError.self) { try Migration.read(directory: directory.path) }
        #expect(throws: MigrationError.self) { try Migration.read(directory: directory.path + "/nowhere") }
        directory.remove()
    }
}

private struct MigrationFolder {
    let path = NSTemporaryDirectory() + "/migrations-" + UUID().uuidString

    init() throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    func write(_ name: String, up: String, down: String) throws {
        try up.write(toFile: "\(path)/\(name).up.sql", atomically: true, encoding: .utf8)
        try down.write(toFile: "\(path)/\(name).down.sql", atomically: true, encoding: .utf8)
    }

    func remove() {
        try? FileManager.default.removeItem(atPath: path)
    }
}

@Suite struct InvariantTests {
    /// The schema itself refuses what no statement may do, whoever sends it.
    @Test(arguments: [
        ("UPDATE jobs SET state = 'queued', finished_at = NULL, error = NULL", "jobs_transition_allowed"),
        ("UPDATE jobs SET lease_epoch = lease_epoch - 1", "jobs_epoch_never_falls"),
        ("UPDATE jobs SET finished_at = NULL", "jobs_finished_if_terminal"),
        ("UPDATE jobs SET error = NULL", "jobs_error_if_failed"),
        ("UPDATE jobs SET lease_owner = gen_random_uuid()", "jobs_lease_while_running"),
        ("UPDATE jobs SET stage = 'decoding'", "jobs_stage_only_while_running"),
        ("UPDATE jobs SET dispatched_at = now()", "jobs_dispatched_only_while_queued"),
        ("UPDATE jobs SET progress = 2", "jobs_progress_range"),
        ("UPDATE jobs SET leader_id = id", "jobs_do_not_lead_themselves"),
    ])
    func theSchemaRefuses(statement: String, constraint: String) async throws {
        try await StoreFixture.with { (fixture) async throws in
            let claimant = try await fixture.registerWorker()
            let id = try #require(try await fixture.enqueue()).id
            let lease = try #require(try await fixture.claim(id, for: claimant)).lease
            _ = try await fixture.store.end(lease, .failed(JobError(code: "damaged", message: "damaged")))
            let error = await #expect(throws: PostgresError.self) { try await fixture.pool.execute(statement) }
            #expect(error?.constraintName == constraint)
        }
    }

    @Test func theSwiftStateMachineIsTheSchemas() async throws {
        try await StoreFixture.with { (fixture) async throws in
            // Built from the trigger's own text would prove nothing, so every pair is tried on a row.
            let leader = try #require(try await fixture.enqueue()).id
            for isFollower in [false, true] {
                for from in JobState.allCases where from == .queued || !isFollower {
                    for target in JobState.allCases where target != from {
                        let id = try #require(try await fixture.enqueue()).id
                        try await fixture.pool.execute("ALTER TABLE jobs DISABLE TRIGGER jobs_guard_transition")
                        try await fixture.pool.execute(Self.force(from), [id.uuid])
                        try await fixture.pool.execute("ALTER TABLE jobs ENABLE TRIGGER jobs_guard_transition")
                        if isFollower {
                            try await fixture.pool.execute("UPDATE jobs SET leader_id = $2 WHERE id = $1", [id.uuid, leader.uuid])
                        }
                        var isAllowed = true
                        do {
                            try await fixture.pool.execute(Self.force(target), [id.uuid])
                        } catch let error as PostgresError where error.constraintName == "jobs_transition_allowed" {
                            isAllowed = false
                        }
                        let expected = from.successors(ofFollower: isFollower).contains(target)
                        #expect(isAllowed == expected, "\(from) → \(target), follower: \(isFollower)")
                    }
                }
            }
        }
    }

    @Test func theDiagramInTheArchitectureIsTheStateMachine() throws {
        let path = URL(fileURLWithPath: StoreFixture.migrationsDirectory).deletingLastPathComponent()
            .appendingPathComponent("ARCHITECTURE.md")
        let text = try String(contentsOf: path, encoding: .utf8)
        let diagram = try #require(text.components(separatedBy: "stateDiagram-v2").dropFirst().first?.components(separatedBy: "```").first)
        var drawn: [Bool: [JobState: Set<JobState>]] = [:]
        for line in diagram.split(separator: "\n") {
            let words = line.split(whereSeparator: { " :,".contains($0) }).map(String.init)
            guard words.count >= 3, words[1] == "-->", words[0] != "[*]" else { continue }
            let from = try #require(JobState(rawValue: words[0])), target = try #require(JobState(rawValue: words[2]))
            drawn[words.contains("follower"), default: [:]][from, default: []].insert(target)
        }
        for state in JobState.allCases {
            #expect(drawn[false]?[state] ?? [] == state.successors())
            let ofFollower = state == .queued ? state.successors(ofFollower: true) : []
            // Anybody's job can be withdrawn while it is queued.
            #expect((drawn[true]?[state] ?? []).union(state == .queued ? [.cancelled] : []) == ofFollower)
        }
    }

    private static func force(_ state: JobState) -> String {
        """
        UPDATE jobs SET state = '\(state.rawValue)', dispatched_at = NULL, started_at = now(), error = '{}',
            lease_owner = \(state == .running ? "gen_random_uuid()" : "NULL"),
            lease_until = \(state == .running ? "now()" : "NULL"),
            finished_at = \(state.isTerminal ? "now()" : "NULL")
        WHERE id = $1
        """
    }

    @Test func verdictsLandInTheirMonthsPartition() async throws {
        try await StoreFixture.with { (fixture) async throws in
            let claimant = try await fixture.registerWorker()
            let id = try #require(try await fixture.enqueue()).id
            let lease = try #require(try await fixture.claim(id, for: claimant)).lease
            _ = try await fixture.complete(lease, artifacts: [StoreFixture.artifact])
            let rows = try await fixture.pool.query("""
                SELECT (SELECT count(*) FROM verdicts_other) + (SELECT count(*) FROM artifacts_other)
                     + (SELECT count(*) FROM attempts_other) AS elsewhere, (SELECT count(*) FROM verdicts) AS all
                """)
            #expect(try rows[0].decode("elsewhere", as: Int.self) == 0)
            #expect(try rows[0].decode("all", as: Int.self) == 1)
        }
    }
}
