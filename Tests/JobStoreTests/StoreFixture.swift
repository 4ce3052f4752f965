import Foundation
import JobModel
import JobStore
import PostgresClient
import TestServers

/// A migrated schema of its own with a store on it.
struct StoreFixture {
    let database: TestDatabase
    let pool: PostgresPool
    let store: JobStore
    let registry: WorkerRegistry
    let modelSHA256 = String(repeating: "a", count: 64)

    static var migrationsDirectory: String {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("migrations").path
    }

    static func with(_ body: (StoreFixture) async throws -> Void) async throws {
        try await TestDatabase.with { database, pool in
            let migrator = Migrator(pool: pool, migrations: try Migration.read(directory: migrationsDirectory))
            _ = try await migrator.migrate()
            try await body(StoreFixture(
                database: database, pool: pool, store: JobStore(pool: pool), registry: WorkerRegistry(pool: pool)))
        }
    }

    func registerWorker(_ id: UUID = UUID(), model: String? = nil, slots: Int = 1) async throws -> Claimant {
        let model = model ?? modelSHA256
        try await registry.register(WorkerRecord(
            id: id, host: "test", version: "test", modelSHA256: model, modelCard: "{\"name\":\"test\"}", precision: "float32", analysisVersion: "1",
            kinds: [.analyze], slots: slots))
        return Claimant(worker: id, modelSHA256: model, kind: .analyze, leaseSeconds: 30)
    }

    /// Enqueues a job, of bytes of its own unless they are given; nil when its reservation has lapsed.
    func enqueue(
        tenant: Tenant = .default, priority: Int = 0, maximumAttempts: Int = 3, sha256: String? = nil, runAt: Date? = nil,
        isFresh: Bool = false, isDispatched: Bool = true, reservation: IdempotencyReservation? = nil
    ) async throws -> JobStatus? {
        let job = Self.newJob(
            tenant: tenant, priority: priority, maximumAttempts: maximumAttempts, sha256: sha256, runAt: runAt, isFresh: isFresh,
            isDispatched: isDispatched, reservation: reservation)
        guard try await store.enqueue(job).outcome != .lapsed else { return nil }
        return try await store.status(of: job.id, tenant: tenant)
    }

    static func newJob(
        tenant: Tenant = .default, priority: Int = 0, maximumAttempts: Int = 3, sha256: String? = nil, runAt: Date? = nil,
        isFresh: Bool = false, isDispatched: Bool = true, reservation: IdempotencyReservation? = nil
    ) -> NewJob {
        let id = JobID.make()
        let own = id.description.replacing("-", with: "")
        return NewJob(
            id: id, tenant: tenant, priority: priority, maximumAttempts: maximumAttempts, options: JobOptions(),
            storeKey: "\(id.description.suffix(2))/\(id)", bytes: 10, sha256: sha256 ?? own + own,
            mediaType: "video/mp4", runAt: runAt, isFresh: isFresh, isDispatched: isDispatched, reservation: reservation)
    }

    func claim(_ id: JobID, for claimant: Claimant) async throws -> ClaimedJob? {
        try await store.claim([id], for: claimant).first
    }

    func complete(_ lease: JobLease, artifacts: [Artifact] = []) async throws -> FencedOutcome {
        try await store.complete(
            lease, verdict: Self.verdict(model: modelSHA256), analysisVersion: "1", artifacts: artifacts)
    }

    func count(_ table: String) async throws -> Int {
        try await pool.query("SELECT count(*) AS n FROM \(table)")[0].decode("n")
    }

    /// Makes a job's lease run out without waiting for it.
    func expireLease(of id: JobID) async throws {
        try await pool.execute("UPDATE jobs SET lease_until = now() - interval '1 second' WHERE id = $1", [id.uuid])
    }

    /// A sweep that waits for its turn: its advisory lock is the whole database's, shared with tests beside this one.
    func sweep(crashLimit: Int = 2) async throws -> SweepReport {
        var report: SweepReport?
        _ = try await eventually {
            report = try await store.sweep(crashLimit: crashLimit)
            return report != nil
        }
        return report ?? SweepReport()
    }

    func takeUndispatched(limit: Int = 10, staleSeconds: Double = 30) async throws -> [JobID] {
        var jobs: [JobID]?
        _ = try await eventually {
            jobs = try await store.takeUndispatched(kind: .analyze, limit: limit, bound: 16, staleSeconds: staleSeconds)
            return jobs != nil
        }
        return jobs ?? []
    }

    static func verdict(model: String) -> Verdict {
        Verdict(
            label: .uncertain, probability: 0.5, confidence: 0.5, logit: 0, threshold: 0.5, abstention: [0.4, 0.6],
            model: Verdict.ModelSummary(
                name: "test", version: "1", sha256: model, trained: false, region: "frame", precision: "float32",
                temperature: 1),
            video: Verdict.VideoSummary(
                codec: "h264", width: 64, height: 64, durationSeconds: 1, frameCount: 25,
                sha256: String(repeating: "b", count: 64)),
            sampling: .init(Sampling()), tracks: [], decidedBy: nil, reasons: [.untrainedModel], warnings: [], reused: false,
            timings: Verdict.Timings(decodeMilliseconds: 1, forwardMilliseconds: 2, drawMilliseconds: 3))
    }

    static let artifact = Artifact(track: 0, frame: 3, kind: .gradcam, mediaType: "image/jpeg", bytes: [0xFF, 0xD8, 0x00])
}
