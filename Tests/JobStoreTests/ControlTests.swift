import Foundation
import JobModel
import JobStore
import PostgresClient
import Testing

/// Dead letters, erasure, retention, scheduled starts and the audit.
@Suite struct ControlTests {
    private static func kill(_ fixture: StoreFixture, _ id: JobID, _ claimant: Claimant) async throws {
        let lease = try #require(try await fixture.claim(id, for: claimant)).lease
        _ = try await fixture.store.end(lease, .retried(JobError(code: "network_failed", message: "no"), delaySeconds: 0))
    }

    @Test func aDeadJobIsRetriedWithAllItsAttempts() async throws {
        try await StoreFixture.with { (fixture) async throws in
            let claimant = try await fixture.registerWorker()
            let id = try #require(try await fixture.enqueue(maximumAttempts: 1)).id
            try await Self.kill(fixture, id, claimant)
            #expect(try await fixture.store.list(tenant: .default, state: .dead, before: nil, limit: 10).map(\.id) == [id])
            #expect(try await fixture.store.retry(id, tenant: Tenant(name: "other")) == .unknown)
            #expect(try await fixture.store.retry(id, tenant: .default) == .queued)
            #expect(try await fixture.store.retry(id, tenant: .default) == .notDead(.queued))
            let queued = try #require(try await fixture.store.status(of: id, tenant: .default))
            #expect(queued.state == .queued && queued.attempt == 0 && queued.finishedAt == nil)
            // The relay takes it at its next pass.
            #expect(try await fixture.takeUndispatched() == [id])
            let lease = try #require(try await fixture.claim(id, for: claimant)).lease
            #expect(lease.epoch == 2)
            #expect(try await fixture.complete(lease) == .written(followers: []))
            #expect(try await fixture.store.retry(id, tenant: .default) == .notDead(.succeeded))
        }
    }

    @Test func theAuditSaysWhoWhenAndHowItEnded() async throws {
        try await StoreFixture.with { (fixture) async throws in
            let claimant = try await fixture.registerWorker()
            let id = try #require(try await fixture.enqueue()).id
            #expect(try await fixture.store.attempts(of: id, tenant: .default) == [])
            #expect(try await fixture.store.attempts(of: .make(), tenant: .default) == nil)
            #expect(try await fixture.store.attempts(of: id, tenant: Tenant(name: "other")) == nil)
            try await Self.kill(fixture, id, claimant)
            let lost = try #require(try await fixture.claim(id, for: claimant))
            try await fixture.expireLease(of: id)
            _ = try await fixture.sweep()
            _ = try #require(try await fixture.claim(id, for: claimant))
            let attempts = try #require(try await fixture.store.attempts(of: id, tenant: .default))
            #expect(attempts.map(\.outcome) == ["retried", "lost", nil] && attempts.map(\.epoch) == [1, 2, 3])
            #expect(attempts[0].error?.code == "network_failed" && attempts[1].epoch == lost.lease.epoch)
            #expect(attempts.allSatisfy { $0.worker == claimant.worker && $0.host == "test" && $0.version == "test" })
            #expect(attempts.map { $0.finishedAt != nil } == [true, true, false])
        }
    }

    @Test func anErasureLeavesNothing() async throws {
        try await StoreFixture.with { (fixture) async throws in
            let claimant = try await fixture.registerWorker()
            guard case .reserved(let reservation) = try await fixture.store.reserve(
                key: "k", tenant: .default, leaseSeconds: 60, keepSeconds: 3600)
            else {
                Issue.record("the key is not free")
                return
            }
            let id = try #require(try await fixture.enqueue(reservation: reservation)).id
            let lease = try #require(try await fixture.claim(id, for: claimant)).lease
            _ = try await fixture.complete(lease, artifacts: [StoreFixture.artifact])
            #expect(try await fixture.store.erase(id, tenant: Tenant(name: "other")) == nil)
            let erasure = try #require(try await fixture.store.erase(id, tenant: .default))
            #expect(!erasure.wasRunning)
            let upload = try #require(erasure.upload)
            // Until the bytes are gone the row stays, so that the sweep finds them if this gateway dies now.
            #expect(try await fixture.store.releasableUploads(keepSeconds: 3600).uploads == [upload])
            try await fixture.store.markReleased([upload])
            try await fixture.store.forgetUnreferencedUploads()
            for table in ["jobs", "verdicts", "artifacts", "attempts", "idempotency", "uploads"] {
                #expect(try await fixture.count(table) == 0, "\(table)")
            }
            #expect(try await fixture.store.erase(id, tenant: .default) == nil)
        }
    }

    @Test func endedJobsGoWhenTheirStatesTimeIsUp() async throws {
        try await StoreFixture.with { (fixture) async throws in
            let claimant = try await fixture.registerWorker()
            let cancelled = try #require(try await fixture.enqueue()).id
            _ = try await fixture.store.cancel(cancelled, tenant: .default)
            let dead = try #require(try await fixture.enqueue(maximumAttempts: 1)).id
            try await Self.kill(fixture, dead, claimant)
            let young = try #require(try await fixture.enqueue()).id
            _ = try await fixture.store.cancel(young, tenant: .default)
            let queued = try #require(try await fixture.enqueue()).id
            try await fixture.pool.execute(
                "UPDATE jobs SET finished_at = finished_at - interval '1 hour' WHERE id <> $1 AND finished_at IS NOT NULL", [young.uuid])
            let removed = try await fixture.store.removeExpired(RetentionPolicy(secondsByState: [.cancelled: 60, .failed: 60]))
            #expect(removed == 1)
            let left = try await fixture.store.list(tenant: .default, state: nil, before: nil, limit: 10).map(\.id)
            #expect(Set(left) == [dead, young, queued])
        }
    }

    @Test func aScheduledJobWaitsForItsTimeAndStandsBehindWhatIsDue() async throws {
        try await StoreFixture.with { (fixture) async throws in
            let claimant = try await fixture.registerWorker()
            let later = try #require(try await fixture.enqueue(runAt: Date().addingTimeInterval(3600)))
            #expect(later.runAt.timeIntervalSinceNow > 3500)
            let now = try #require(try await fixture.enqueue()).id
            #expect(try await fixture.claim(later.id, for: claimant) == nil)
            #expect(try await fixture.takeUndispatched(staleSeconds: 0) == [now])
            #expect(try await fixture.store.claimNext(5, for: claimant).map(\.lease.job) == [now])
            try await fixture.pool.execute("UPDATE jobs SET run_at = now() WHERE id = $1", [later.id.uuid])
            #expect(try await fixture.store.claimNext(5, for: claimant).map(\.lease.job) == [later.id])
        }
    }

    @Test func theQueuesLoadIsCountedByTenantWithoutFollowers() async throws {
        try await StoreFixture.with { (fixture) async throws in
            let other = Tenant(name: "other")
            let clip = String(repeating: "c", count: 64)
            for _ in 0..<3 { _ = try await fixture.enqueue(sha256: clip) }
            for _ in 0..<2 { _ = try await fixture.enqueue(tenant: other) }
            let load = try await fixture.store.load()
            #expect(load.queuedByTenant == [.default: 1, other: 2] && load.queued == 3)
            #expect(abs(load.databaseTime.timeIntervalSinceNow) < 60)
        }
    }

    @Test func oneBadJobOfABatchDoesNotFailTheOthers() async throws {
        try await StoreFixture.with { (fixture) async throws in
            let jobs = (0..<40).map { index in
                var job = StoreFixture.newJob()
                if index % 10 == 5 { job.sha256 = "not hex" }
                return job
            }
            let written = await withTaskGroup(of: JobID?.self) { group in
                for job in jobs {
                    group.addTask {
                        do {
                            return try await fixture.store.enqueue(job).id
                        } catch {
                            return nil
                        }
                    }
                }
                return await group.reduce(into: [JobID]()) { if let id = $1 { $0.append(id) } }
            }
            #expect(Set(written) == Set(jobs.filter { $0.sha256 != "not hex" }.map(\.id)))
            #expect(try await fixture.count("jobs") == 36)
            #expect(try await fixture.count("uploads") == 36)
        }
    }
}

/// However many jobs one tenant posts, the others get their turns.
@Suite struct FairnessTests {
    private static let tenants = ["busy", "other", "third"].map(Tenant.init(name:))

    private static func fill(_ fixture: StoreFixture) async throws -> [JobID: Tenant] {
        var owners: [JobID: Tenant] = [:]
        for (tenant, count) in zip(tenants, [30, 3, 2]) {
            for _ in 0..<count {
                owners[try #require(try await fixture.enqueue(tenant: tenant, isDispatched: false)).id] = tenant
            }
        }
        return owners
    }

    @Test func theRelayAlternatesBetweenTenants() async throws {
        try await StoreFixture.with { (fixture) async throws in
            let owners = try await Self.fill(fixture)
            var order: [String] = []
            // One place at a time, as a busy stream has: what is dispatched counts for its tenant until it ran.
            for _ in 0..<8 { order += try await fixture.takeUndispatched(limit: 1).compactMap { owners[$0]?.name } }
            #expect(order.prefix(3).sorted() == ["busy", "other", "third"])
            #expect(order.prefix(6).sorted() == ["busy", "busy", "other", "other", "third", "third"])
            #expect(order.count { $0 == "other" } == 3)
        }
    }

    @Test func whatRunsCountsForItsTenant() async throws {
        try await StoreFixture.with { (fixture) async throws in
            let claimant = try await fixture.registerWorker()
            let owners = try await Self.fill(fixture)
            var order: [String] = []
            for _ in 0..<6 { order += try await fixture.store.claimNext(1, for: claimant).compactMap { owners[$0.lease.job]?.name } }
            #expect(order.sorted() == ["busy", "busy", "other", "other", "third", "third"])
            let batch = try await fixture.store.claimNext(4, for: claimant).compactMap { owners[$0.lease.job]?.name }
            #expect(batch.sorted() == ["busy", "busy", "busy", "other"])
        }
    }

    @Test func manyWorkersAtOnceTakeEachJobOnce() async throws {
        try await StoreFixture.with { (fixture) async throws in
            let claimant = try await fixture.registerWorker()
            let owners = try await Self.fill(fixture)
            var taken: [JobID] = []
            while taken.count < owners.count {
                let round = try await withThrowingTaskGroup(of: [JobID].self) { group in
                    for _ in 0..<8 { group.addTask { try await fixture.store.claimNext(3, for: claimant).map(\.lease.job) } }
                    return try await group.reduce(into: []) { $0 += $1 }
                }
                #expect(!round.isEmpty)
                if round.isEmpty { break }
                taken += round
            }
            #expect(Set(taken).count == taken.count && Set(taken) == Set(owners.keys))
        }
    }
}
