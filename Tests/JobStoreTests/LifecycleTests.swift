import Foundation
import JobModel
import JobStore
import PostgresClient
import Testing

@Suite struct LifecycleTests {
    @Test func aJobIsQueuedUntilItIsClaimedAndEndsWithItsVerdict() async throws {
        try await StoreFixture.with { (fixture) async throws in
            let claimant = try await fixture.registerWorker()
            let queued = try #require(try await fixture.enqueue())
            #expect(queued.state == .queued && queued.attempt == 0 && queued.modelSHA256 == fixture.modelSHA256)
            let job = try #require(try await fixture.claim(queued.id, for: claimant))
            #expect(job.attempt == 1 && job.lease.epoch == 1 && !job.runsAlone)
            let verdict = StoreFixture.verdict(model: fixture.modelSHA256)
            let outcome = try await fixture.complete(job.lease, artifacts: [StoreFixture.artifact])
            #expect(outcome == .written(followers: []))
            let ended = try #require(try await fixture.store.status(of: queued.id, tenant: .default))
            #expect(ended.state == .succeeded && ended.verdict == verdict && ended.finishedAt != nil)
            #expect(ended.revision > queued.revision)
            let picture = try await fixture.store.artifact(
                of: queued.id, tenant: .default, track: 0, frame: 3, kind: .gradcam)
            #expect(picture == StoreFixture.artifact)
        }
    }

    @Test func twentyWorkersClaimOneJobAndOneGetsIt() async throws {
        try await StoreFixture.with { (fixture) async throws in
            let claimant = try await fixture.registerWorker()
            let id = try #require(try await fixture.enqueue()).id
            let winners = try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<20 {
                    group.addTask { try await fixture.claim(id, for: claimant) != nil }
                }
                return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            #expect(winners == 1)
        }
    }

    @Test func aStaleWorkerWritesNothing() async throws {
        try await StoreFixture.with { (fixture) async throws in
            let claimant = try await fixture.registerWorker()
            let id = try #require(try await fixture.enqueue()).id
            let stale = try #require(try await fixture.claim(id, for: claimant)).lease
            try await fixture.expireLease(of: id)
            #expect(try await fixture.sweep().requeued == [id])
            let fresh = try #require(try await fixture.claim(id, for: claimant))
            #expect(fresh.lease.epoch == stale.epoch + 1 && fresh.runsAlone && fresh.attempt == 1)
            let before = try await fixture.store.status(of: id, tenant: .default)
            #expect(try await fixture.complete(stale, artifacts: []) == .superseded)
            #expect(try await fixture.store.end(stale, .cancelled) == .superseded)
            #expect(try await fixture.store.report(stale, stage: .storing, progress: 1) == .superseded)
            let standing = try await JobStore.renew([stale], leaseSeconds: 30, on: fixture.pool, timeout: .seconds(5))
            #expect(standing.isEmpty)
            #expect(try await fixture.store.status(of: id, tenant: .default) == before)
            #expect(try await fixture.complete(fresh.lease, artifacts: []) == .written(followers: []))
            #expect(try await fixture.complete(fresh.lease, artifacts: []) == .superseded)
            let rows = try await fixture.pool.query("SELECT count(*) AS n FROM verdicts WHERE job_id = $1", [id.uuid])
            #expect(try rows[0].decode("n", as: Int.self) == 1)
        }
    }

    @Test func ourFaultsAreRetriedUntilTheAttemptsAreUsedUp() async throws {
        try await StoreFixture.with { (fixture) async throws in
            let claimant = try await fixture.registerWorker()
            let id = try #require(try await fixture.enqueue(maximumAttempts: 2)).id
            let error = JobError(code: "network_failed", message: "it failed")
            let first = try #require(try await fixture.claim(id, for: claimant)).lease
            #expect(try await fixture.store.end(first, .retried(error, delaySeconds: 0)) == .written(followers: []))
            #expect(try await fixture.store.status(of: id, tenant: .default)?.state == .queued)
            let second = try #require(try await fixture.claim(id, for: claimant)).lease
            #expect(try await fixture.store.end(second, .retried(error, delaySeconds: 0)) == .written(followers: []))
            let dead = try #require(try await fixture.store.status(of: id, tenant: .default))
            #expect(dead.state == .dead && dead.error == error && dead.attempt == 2)
            let outcomes = try await fixture.pool.query(
                "SELECT outcome FROM attempts WHERE job_id = $1 ORDER BY epoch", [id.uuid])
            #expect(try outcomes.map { try $0.decode("outcome", as: String.self) } == ["retried", "dead"])
        }
    }

    @Test func aRetryWaitsForItsTime() async throws {
        try await StoreFixture.with { (fixture) async throws in
            let claimant = try await fixture.registerWorker()
            let id = try #require(try await fixture.enqueue()).id
            let lease = try #require(try await fixture.claim(id, for: claimant)).lease
            let error = JobError(code: "network_failed", message: "it failed")
            _ = try await fixture.store.end(lease, .retried(error, delaySeconds: 3600))
            #expect(try await fixture.claim(id, for: claimant) == nil)
            #expect(try await fixture.store.claimNext(10, for: claimant).isEmpty)
            #expect(try await fixture.takeUndispatched().isEmpty)
        }
    }

    @Test func handingBackDoesNotCount() async throws {
        try await StoreFixture.with { (fixture) async throws in
            let claimant = try await fixture.registerWorker()
            let id = try #require(try await fixture.enqueue(maximumAttempts: 1)).id
            for _ in 0..<3 {
                let lease = try #require(try await fixture.claim(id, for: claimant)).lease
                #expect(try await fixture.store.end(lease, .handedBack) == .written(followers: []))
            }
            let status = try #require(try await fixture.store.status(of: id, tenant: .default))
            #expect(status.state == .queued && status.attempt == 0)
        }
    }

    @Test func onlyCrashesWhileAloneCondemnAJob() async throws {
        try await StoreFixture.with { (fixture) async throws in
            let claimant = try await fixture.registerWorker()
            let id = try #require(try await fixture.enqueue()).id
            // The first loss happened among neighbours, so any of them may be to blame.
            for expected in [JobState.queued, .queued, .dead] {
                let lease = try #require(try await fixture.claim(id, for: claimant)).lease
                _ = try await fixture.store.report(lease, stage: .decoding, progress: 0)
                try await fixture.expireLease(of: id)
                _ = try await fixture.sweep(crashLimit: 2)
                #expect(try await fixture.store.status(of: id, tenant: .default)?.state == expected)
            }
            let dead = try #require(try await fixture.store.status(of: id, tenant: .default))
            #expect(dead.error?.code == "worker_lost")
        }
    }

    @Test func aJobThatOnlyWaitedForItsTurnIsNotToBlame() async throws {
        try await StoreFixture.with { (fixture) async throws in
            let claimant = try await fixture.registerWorker()
            let id = try #require(try await fixture.enqueue()).id
            for _ in 0..<5 {
                // Claimed, and its worker lost to a neighbour before its own first stage.
                _ = try #require(try await fixture.claim(id, for: claimant))
                try await fixture.expireLease(of: id)
                #expect(try await fixture.sweep(crashLimit: 2).requeued == [id])
            }
        }
    }

    @Test func aJudgedJobShowsNoOldError() async throws {
        try await StoreFixture.with { (fixture) async throws in
            let claimant = try await fixture.registerWorker()
            let id = try #require(try await fixture.enqueue()).id
            let error = JobError(code: "decoder_crashed", message: "it crashed")
            let first = try #require(try await fixture.claim(id, for: claimant)).lease
            _ = try await fixture.store.end(first, .retried(error, delaySeconds: 0))
            #expect(try await fixture.store.status(of: id, tenant: .default)?.error == error)
            let second = try #require(try await fixture.claim(id, for: claimant))
            #expect(second.decoderCrashes == 1)
            _ = try await fixture.complete(second.lease, artifacts: [StoreFixture.artifact])
            #expect(try await fixture.store.status(of: id, tenant: .default)?.error == nil)
        }
    }

    @Test func aRenewedLeaseIsNotSwept() async throws {
        try await StoreFixture.with { (fixture) async throws in
            let claimant = try await fixture.registerWorker()
            let id = try #require(try await fixture.enqueue()).id
            let lease = try #require(try await fixture.claim(id, for: claimant)).lease
            try await fixture.expireLease(of: id)
            let standing = try await JobStore.renew([lease], leaseSeconds: 30, on: fixture.pool, timeout: .seconds(5))
            #expect(standing == [lease: false])
            #expect(try await fixture.sweep() == SweepReport())
        }
    }
}

@Suite struct CancellationTests {
    @Test func aQueuedJobIsCancelledAtOnce() async throws {
        try await StoreFixture.with { (fixture) async throws in
            let claimant = try await fixture.registerWorker()
            let id = try #require(try await fixture.enqueue()).id
            #expect(try await fixture.store.cancel(id, tenant: .default) == .cancelled)
            #expect(try await fixture.store.cancel(id, tenant: .default) == .cancelled)
            #expect(try await fixture.claim(id, for: claimant) == nil)
        }
    }

    @Test func aRunningJobsWorkerLearnsOfItAndTheVerdictComesTooLate() async throws {
        try await StoreFixture.with { (fixture) async throws in
            let claimant = try await fixture.registerWorker()
            let id = try #require(try await fixture.enqueue()).id
            let lease = try #require(try await fixture.claim(id, for: claimant)).lease
            #expect(try await fixture.store.cancel(id, tenant: .default) == .requested)
            let standing = try await JobStore.renew([lease], leaseSeconds: 30, on: fixture.pool, timeout: .seconds(5))
            #expect(standing == [lease: true])
            #expect(try await fixture.complete(lease, artifacts: []) == .superseded)
            #expect(try await fixture.store.end(lease, .cancelled) == .written(followers: []))
            let status = try #require(try await fixture.store.status(of: id, tenant: .default))
            #expect(status.state == .cancelled && status.verdict == nil)
        }
    }

    @Test func anEndedJobCannotBeCancelled() async throws {
        try await StoreFixture.with { (fixture) async throws in
            let claimant = try await fixture.registerWorker()
            let id = try #require(try await fixture.enqueue()).id
            let lease = try #require(try await fixture.claim(id, for: claimant)).lease
            let error = JobError(code: "audio_only", message: "no picture")
            _ = try await fixture.store.end(lease, .failed(error))
            #expect(try await fixture.store.cancel(id, tenant: .default) == .ended(.failed))
            #expect(try await fixture.store.cancel(.make(), tenant: .default) == .unknown)
        }
    }

    @Test func aLostJobWhoseCancellationWasAskedForIsCancelled() async throws {
        try await StoreFixture.with { (fixture) async throws in
            let claimant = try await fixture.registerWorker()
            let id = try #require(try await fixture.enqueue()).id
            _ = try #require(try await fixture.claim(id, for: claimant))
            _ = try await fixture.store.cancel(id, tenant: .default)
            try await fixture.expireLease(of: id)
            #expect(try await fixture.sweep().cancelled == [id])
        }
    }
}
