import Foundation
import JobModel
import JobStore
import PostgresClient
import Testing

@Suite struct QueueTests {
    @Test func theRelayTakesWhatIsUndispatchedByPriorityAndThenAge() async throws {
        try await StoreFixture.with { (fixture) async throws in
            let low = try #require(try await fixture.enqueue(priority: -1)).id
            let early = try #require(try await fixture.enqueue()).id
            let late = try #require(try await fixture.enqueue()).id
            let high = try #require(try await fixture.enqueue(priority: 5)).id
            // A fresh job counts as dispatched: its gateway has just put it on the stream.
            #expect(try await fixture.takeUndispatched().isEmpty)
            try await fixture.store.markUndispatched([low, early, late, high])
            #expect(try await fixture.takeUndispatched(limit: 3) == [high, early, late])
            #expect(try await fixture.takeUndispatched() == [low])
            #expect(try await fixture.takeUndispatched().isEmpty)
            #expect(try await fixture.takeUndispatched(staleSeconds: 0).count == 4)
        }
    }

    @Test func aWakeUpThatMetALockedRowIsGivenBack() async throws {
        try await StoreFixture.with { (fixture) async throws in
            let claimant = try await fixture.registerWorker()
            let id = try #require(try await fixture.enqueue()).id
            try await fixture.pool.withTransaction { transaction in
                try await transaction.query("SELECT 1 FROM jobs WHERE id = $1 FOR UPDATE", [id.uuid])
                #expect(try await fixture.store.claim([id], for: claimant).isEmpty)
            }
            #expect(try await fixture.takeUndispatched().isEmpty)
            try await fixture.store.markMissed([id], by: claimant)
            #expect(try await fixture.takeUndispatched() == [id])
            // What another model's workers are to take stays as it is: they hear of it by themselves.
            let stranger = try await fixture.registerWorker(model: String(repeating: "e", count: 64))
            try await fixture.store.markMissed([id], by: stranger)
            #expect(try await fixture.takeUndispatched().isEmpty)
        }
    }

    @Test func withoutRedisWorkersTakeTheSameOrder() async throws {
        try await StoreFixture.with { (fixture) async throws in
            let claimant = try await fixture.registerWorker()
            let early = try #require(try await fixture.enqueue()).id
            let high = try #require(try await fixture.enqueue(priority: 5)).id
            let claimed = try await fixture.store.claimNext(2, for: claimant)
            #expect(claimed.map(\.lease.job) == [high, early])
            #expect(try await fixture.store.claimNext(2, for: claimant).isEmpty)
        }
    }

    @Test func aJobFixedToALivingWorkersModelWaitsForIt() async throws {
        try await StoreFixture.with { (fixture) async throws in
            let old = try await fixture.registerWorker()
            let id = try #require(try await fixture.enqueue()).id
            let newModel = String(repeating: "c", count: 64)
            let new = try await fixture.registerWorker(model: newModel)
            #expect(try await fixture.claim(id, for: new) == nil)
            // Once no worker of the old model lives, the new one takes it over.
            try await fixture.registry.remove(old.worker)
            let job = try #require(try await fixture.claim(id, for: new))
            #expect(job.attempt == 1)
            #expect(try await fixture.store.status(of: id, tenant: .default)?.modelSHA256 == newModel)
        }
    }

    @Test func anUnknownKindStaysQueued() async throws {
        try await StoreFixture.with { (fixture) async throws in
            var claimant = try await fixture.registerWorker()
            claimant.kind = JobKind(rawValue: "something-else")
            let id = try #require(try await fixture.enqueue()).id
            #expect(try await fixture.claim(id, for: claimant) == nil)
            #expect(try await fixture.store.claimNext(5, for: claimant).isEmpty)
            #expect(try await fixture.store.status(of: id, tenant: .default)?.state == .queued)
        }
    }

    @Test func tenantsSeeNothingOfEachOther() async throws {
        try await StoreFixture.with { (fixture) async throws in
            let claimant = try await fixture.registerWorker()
            let mine = try #require(try await fixture.enqueue(tenant: Tenant(name: "mine"))).id
            let stranger = Tenant(name: "stranger")
            let lease = try #require(try await fixture.claim(mine, for: claimant)).lease
            _ = try await fixture.complete(lease, artifacts: [StoreFixture.artifact])
            #expect(try await fixture.store.status(of: mine, tenant: stranger) == nil)
            #expect(try await fixture.store.cancel(mine, tenant: stranger) == .unknown)
            #expect(try await fixture.store.list(tenant: stranger, state: nil, before: nil, limit: 10).isEmpty)
            let picture = try await fixture.store.artifact(of: mine, tenant: stranger, track: 0, frame: 3, kind: .gradcam)
            #expect(picture == nil)
        }
    }

    @Test func listingsGoNewestFirstPageByPage() async throws {
        try await StoreFixture.with { (fixture) async throws in
            var ids: [JobID] = []
            for _ in 0..<5 { ids.append(try #require(try await fixture.enqueue()).id) }
            let expected = ids.sorted { $0.description > $1.description }
            let first = try await fixture.store.list(tenant: .default, state: nil, before: nil, limit: 3)
            let second = try await fixture.store.list(tenant: .default, state: .queued, before: first[2].id, limit: 3)
            #expect((first + second).map(\.id) == expected)
            #expect(try await fixture.store.list(tenant: .default, state: .dead, before: nil, limit: 3).isEmpty)
        }
    }

    @Test func bytesAreReleasedWhenNoJobCanUseThemAgain() async throws {
        try await StoreFixture.with { (fixture) async throws in
            let claimant = try await fixture.registerWorker()
            let queued = try #require(try await fixture.enqueue()).id
            let failed = try #require(try await fixture.enqueue()).id
            let judged = try #require(try await fixture.enqueue()).id
            let failedLease = try #require(try await fixture.claim(failed, for: claimant)).lease
            _ = try await fixture.store.end(failedLease, .failed(JobError(code: "damaged", message: "damaged")))
            let judgedLease = try #require(try await fixture.claim(judged, for: claimant)).lease
            _ = try await fixture.complete(judgedLease, artifacts: [])
            let now = try await fixture.store.releasableUploads(keepSeconds: 3600).uploads
            #expect(now.map(\.id) == [failed.uuid])
            let later = try await fixture.store.releasableUploads(keepSeconds: 0).uploads
            #expect(Set(later.map(\.id)) == [failed.uuid, judged.uuid])
            try await fixture.store.markReleased(later)
            #expect(try await fixture.store.releasableUploads(keepSeconds: 0).uploads.isEmpty)
            #expect(try await fixture.store.status(of: queued, tenant: .default)?.state == .queued)
        }
    }
}

@Suite struct IdempotencyTests {
    private static func reserve(_ fixture: StoreFixture, lease: Double = 60) async throws -> IdempotencyOutcome {
        try await fixture.store.reserve(key: "k", tenant: .default, leaseSeconds: lease, keepSeconds: 3600)
    }

    @Test func aKeyIsReservedOnceAndRemembersItsJob() async throws {
        try await StoreFixture.with { (fixture) async throws in
            guard case .reserved(let reservation) = try await Self.reserve(fixture) else {
                Issue.record("the first request does not get the key")
                return
            }
            #expect(try await Self.reserve(fixture) == .inFlight)
            #expect(try await fixture.store.renew(reservation, tenant: .default, leaseSeconds: 60))
            let status = try #require(try await fixture.enqueue(reservation: reservation))
            let print = try NewJob.fingerprint(contentSHA256: status.uploadSHA256 ?? "", options: status.options)
            #expect(try await Self.reserve(fixture) == .finished(job: status.id, fingerprint: print))
        }
    }

    @Test func aLapsedReservationIsFreeAndItsOldHolderMakesNoJob() async throws {
        try await StoreFixture.with { (fixture) async throws in
            guard case .reserved(let old) = try await Self.reserve(fixture, lease: -1) else {
                Issue.record("the first request does not get the key")
                return
            }
            guard case .reserved = try await Self.reserve(fixture) else {
                Issue.record("a lapsed key is not free")
                return
            }
            #expect(try await fixture.enqueue(reservation: old) == nil)
            #expect(try await fixture.store.list(tenant: .default, state: nil, before: nil, limit: 10).isEmpty)
            let rows = try await fixture.pool.query("SELECT count(*) AS n FROM uploads")
            #expect(try rows[0].decode("n", as: Int.self) == 0)
        }
    }

    @Test func aReleasedKeyIsFreeAtOnce() async throws {
        try await StoreFixture.with { (fixture) async throws in
            guard case .reserved(let reservation) = try await Self.reserve(fixture) else {
                Issue.record("the first request does not get the key")
                return
            }
            try await fixture.store.release(reservation, tenant: .default)
            guard case .reserved = try await Self.reserve(fixture) else {
                Issue.record("a released key is not free")
                return
            }
        }
    }

    @Test func fiftyRequestsAtOnceGetOneReservation() async throws {
        try await StoreFixture.with { (fixture) async throws in
            let reserved = try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<50 {
                    group.addTask {
                        if case .reserved = try await Self.reserve(fixture) { true } else { false }
                    }
                }
                return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            #expect(reserved == 1)
        }
    }

    @Test func theCountsAreThoseOfTheQueue() async throws {
        try await StoreFixture.with { (fixture) async throws in
            let empty = try await fixture.store.statistics()
            #expect(empty.jobs.isEmpty && empty.endedLastMinute.isEmpty && empty.oldestQueuedSeconds == nil)
            let claimant = try await fixture.registerWorker()
            let judged = try #require(try await fixture.enqueue()).id
            let lease = try #require(try await fixture.claim(judged, for: claimant)).lease
            _ = try await fixture.complete(lease)
            let withdrawn = try #require(try await fixture.enqueue()).id
            _ = try await fixture.store.cancel(withdrawn, tenant: .default)
            let old = try #require(try await fixture.enqueue()).id
            _ = try await fixture.store.cancel(old, tenant: .default)
            try await fixture.pool.execute("UPDATE jobs SET finished_at = now() - interval '1 hour' WHERE id = $1", [old.uuid])
            let taken = try #require(try await fixture.enqueue()).id
            #expect(try await fixture.claim(taken, for: claimant) != nil)
            // A leader and its follower, the one due for a minute; and one that is not due.
            let shared = String(repeating: "a", count: 64)
            let leader = try #require(try await fixture.enqueue(sha256: shared)).id
            #expect(try await fixture.enqueue(sha256: shared) != nil)
            try await fixture.pool.execute("UPDATE jobs SET run_at = now() - interval '1 minute' WHERE id = $1", [leader.uuid])
            #expect(try await fixture.enqueue(runAt: Date(timeIntervalSinceNow: 3600)) != nil)

            let counted = try await fixture.store.statistics()
            #expect(counted.jobs == ["queued": 3, "running": 1, "succeeded": 1, "cancelled": 2])
            #expect(counted.endedLastMinute == ["succeeded": 1, "cancelled": 1])
            let age = try #require(counted.oldestQueuedSeconds)
            #expect(age >= 60 && age < 120)
            #expect(abs(counted.countedAt.timeIntervalSinceNow) < 60)
        }
    }
}
