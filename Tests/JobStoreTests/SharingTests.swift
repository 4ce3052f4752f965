import Foundation
import JobModel
import JobStore
import PostgresClient
import TestServers
import Testing

/// Equal bytes are judged once a tenant, through every end that a leader can come to.
@Suite struct SharingTests {
    private static let clip = String(repeating: "c", count: 64)

    /// A leader that runs and two who follow it, in the order of their coming.
    private static func withFollowers(
        _ body: (StoreFixture, Claimant, JobLease, [JobID]) async throws -> Void
    ) async throws {
        try await StoreFixture.with { (fixture) async throws in
            let claimant = try await fixture.registerWorker()
            let leader = try #require(try await fixture.enqueue(sha256: clip))
            let lease = try #require(try await fixture.claim(leader.id, for: claimant)).lease
            var followers: [JobID] = []
            for _ in 0..<2 {
                let follower = try #require(try await fixture.enqueue(sha256: clip))
                #expect(follower.state == .queued && follower.leaderID == leader.id)
                followers.append(follower.id)
            }
            try await body(fixture, claimant, lease, followers)
        }
    }

    @Test func aFinishedVerdictIsTakenOverAtOnceAndSaysSo() async throws {
        try await StoreFixture.with { (fixture) async throws in
            let claimant = try await fixture.registerWorker()
            let first = try #require(try await fixture.enqueue(sha256: Self.clip)).id
            let lease = try #require(try await fixture.claim(first, for: claimant)).lease
            _ = try await fixture.complete(lease, artifacts: [StoreFixture.artifact])
            let second = try #require(try await fixture.enqueue(sha256: Self.clip))
            #expect(second.state == .succeeded && second.verdict?.reused == true && second.attempt == 0)
            #expect(try await fixture.store.status(of: first, tenant: .default)?.verdict?.reused == false)
            let picture = try await fixture.store.artifact(
                of: second.id, tenant: .default, track: 0, frame: 3, kind: .gradcam)
            #expect(picture == StoreFixture.artifact)
            #expect(try await fixture.count("uploads") == 1)
            #expect(try await fixture.count("artifacts") == 1)
        }
    }

    @Test func aFreshJobRunsAgainAndItsVerdictIsTheOneTakenOverNext() async throws {
        try await StoreFixture.with { (fixture) async throws in
            let claimant = try await fixture.registerWorker()
            for isFresh in [false, true] {
                let id = try #require(try await fixture.enqueue(sha256: Self.clip, isFresh: isFresh)).id
                let lease = try #require(try await fixture.claim(id, for: claimant)).lease
                #expect(try await fixture.complete(lease, artifacts: [StoreFixture.artifact]) == .written(followers: []))
                if isFresh {
                    let next = try #require(try await fixture.enqueue(sha256: Self.clip))
                    let source = try await fixture.pool.query("SELECT pictures_of FROM verdicts WHERE job_id = $1", [next.id.uuid])
                    #expect(try source[0].decode("pictures_of", as: UUID.self) == id.uuid)
                }
            }
        }
    }

    @Test func othersVerdictsAreNotTakenOver() async throws {
        try await StoreFixture.with { (fixture) async throws in
            let claimant = try await fixture.registerWorker()
            let id = try #require(try await fixture.enqueue(sha256: Self.clip)).id
            _ = try await fixture.complete(try #require(try await fixture.claim(id, for: claimant)).lease)
            #expect(try await fixture.enqueue(tenant: Tenant(name: "other"), sha256: Self.clip)?.state == .queued)
            var options = StoreFixture.newJob(sha256: Self.clip)
            options.options = JobOptions(sampling: try Sampling(checking: .exact, count: 8))
            #expect(try await fixture.store.enqueue(options).outcome == .queued)
            // Another model, another precision, another way from bytes to verdict.
            for column in ["model", "precision", "analysis_version"] {
                _ = try await fixture.registerWorker()
                #expect(try await fixture.enqueue(sha256: Self.clip)?.state == .succeeded)
                switch column {
                case "model": _ = try await fixture.registerWorker(model: String(repeating: "d", count: 64))
                default: try await fixture.pool.execute("UPDATE models SET \(column) = 'another' WHERE active")
                }
                let job = StoreFixture.newJob(sha256: Self.clip)
                #expect(try await fixture.store.enqueue(job).outcome == .queued, "\(column)")
            }
        }
    }

    @Test func followersGetTheirLeadersVerdict() async throws {
        try await Self.withFollowers { (fixture, claimant, lease, followers) async throws in
            // Nobody takes a follower, neither by name nor in turn nor by the relay.
            #expect(try await fixture.store.claim(followers, for: claimant).isEmpty)
            #expect(try await fixture.store.claimNext(10, for: claimant).isEmpty)
            #expect(try await fixture.takeUndispatched(staleSeconds: 0).isEmpty)
            guard case .written(let told) = try await fixture.complete(lease, artifacts: [StoreFixture.artifact]) else {
                Issue.record("the leader's verdict was not written")
                return
            }
            #expect(Set(told) == Set(followers))
            for id in followers {
                let status = try #require(try await fixture.store.status(of: id, tenant: .default))
                #expect(status.state == .succeeded && status.verdict?.reused == true && status.leaderID == nil)
                #expect(status.finishedAt != nil && status.revision == 2)
            }
            #expect(try await fixture.count("verdicts") == 3)
        }
    }

    @Test func followersShareTheirLeadersFault() async throws {
        try await Self.withFollowers { (fixture, _, lease, followers) async throws in
            let error = JobError(code: "damaged", message: "damaged")
            #expect(try await fixture.store.end(lease, .failed(error)) != .superseded)
            for id in followers {
                let status = try #require(try await fixture.store.status(of: id, tenant: .default))
                #expect(status.state == .failed && status.error == error)
            }
        }
    }

    @Test func aDeadLeadersFollowersAreDeadAndCanBeRetriedEach() async throws {
        try await Self.withFollowers { (fixture, claimant, lease, followers) async throws in
            for expected in [JobState.queued, .queued, .dead] {
                if let again = try await fixture.claim(lease.job, for: claimant)?.lease {
                    _ = try await fixture.store.report(again, stage: .decoding, progress: 0)
                }
                try await fixture.expireLease(of: lease.job)
                let report = try await fixture.sweep()
                #expect(Set(report.followers) == Set(followers))
                #expect(try await fixture.store.status(of: lease.job, tenant: .default)?.state == expected)
            }
            #expect(try await fixture.store.status(of: followers[0], tenant: .default)?.error?.code == "worker_lost")
            #expect(try await fixture.store.retry(followers[1], tenant: .default) == .queued)
            // The second to be retried shares the run of the first.
            #expect(try await fixture.store.retry(lease.job, tenant: .default) == .queued)
            #expect(try await fixture.store.status(of: lease.job, tenant: .default)?.leaderID == followers[1])
        }
    }

    @Test func aCancelledLeadersOldestFollowerLeadsOn() async throws {
        try await Self.withFollowers { (fixture, claimant, lease, followers) async throws in
            #expect(try await fixture.store.cancel(lease.job, tenant: .default) == .requested)
            #expect(try await fixture.store.status(of: followers[0], tenant: .default)?.leaderID == lease.job)
            #expect(try await fixture.store.end(lease, .cancelled) != .superseded)
            try await expectSuccession(fixture, claimant, followers)
        }
    }

    @Test func aQueuedLeadersCancellationPromotesInTheSameTransaction() async throws {
        try await StoreFixture.with { (fixture) async throws in
            let claimant = try await fixture.registerWorker()
            let leader = try #require(try await fixture.enqueue(sha256: Self.clip)).id
            let followers = [
                try #require(try await fixture.enqueue(sha256: Self.clip)).id,
                try #require(try await fixture.enqueue(sha256: Self.clip)).id,
            ]
            #expect(try await fixture.store.cancel(leader, tenant: .default) == .cancelled)
            try await expectSuccession(fixture, claimant, followers)
        }
    }

    @Test func anErasedLeadersOldestFollowerLeadsOnAndNeedsItsBytes() async throws {
        try await Self.withFollowers { (fixture, claimant, lease, followers) async throws in
            let erasure = try #require(try await fixture.store.erase(lease.job, tenant: .default))
            #expect(erasure.wasRunning && erasure.upload == nil)
            #expect(try await fixture.complete(lease) == .superseded)
            #expect(try await fixture.store.releasableUploads(keepSeconds: 0).uploads.isEmpty)
            try await expectSuccession(fixture, claimant, followers)
        }
    }

    @Test func aFollowerMayLeave() async throws {
        try await Self.withFollowers { (fixture, _, lease, followers) async throws in
            #expect(try await fixture.store.cancel(followers[0], tenant: .default) == .cancelled)
            #expect(try await fixture.store.erase(followers[1], tenant: .default)?.upload == nil)
            #expect(try await fixture.complete(lease) == .written(followers: []))
            #expect(try await fixture.store.status(of: followers[0], tenant: .default)?.state == .cancelled)
            #expect(try await fixture.count("verdicts") == 1)
        }
    }

    @Test func theLeaderIsAsUrgentAsTheMostUrgentOfThem() async throws {
        try await StoreFixture.with { (fixture) async throws in
            let claimant = try await fixture.registerWorker()
            let later = Date().addingTimeInterval(3600)
            let leader = try #require(try await fixture.enqueue(priority: -5, sha256: Self.clip, runAt: later)).id
            let middle = try #require(try await fixture.enqueue(priority: 2)).id
            #expect(try await fixture.store.claimNext(1, for: claimant).map(\.lease.job) == [middle])
            let other = try #require(try await fixture.enqueue(priority: 2)).id
            #expect(try await fixture.enqueue(priority: 9, sha256: Self.clip)?.leaderID == leader)
            #expect(try await fixture.store.claimNext(2, for: claimant).map(\.lease.job) == [leader, other])
        }
    }

    @Test func fiftyEqualUploadsAtOnceShareOneRun() async throws {
        try await StoreFixture.with { (fixture) async throws in
            let claimant = try await fixture.registerWorker()
            // Two stores, so that batches of two gateways meet.
            let stores = [fixture.store, JobStore(pool: fixture.pool)]
            let outcomes = try await withThrowingTaskGroup(of: EnqueuedJob.Outcome.self) { group in
                for index in 0..<50 {
                    group.addTask { try await stores[index % 2].enqueue(StoreFixture.newJob(sha256: Self.clip)).outcome }
                }
                return try await group.reduce(into: [:]) { $0[$1, default: 0] += 1 }
            }
            #expect(outcomes == [.queued: 1, .following: 49])
            let claimed = try await fixture.store.claimNext(50, for: claimant)
            #expect(claimed.count == 1)
            _ = try await fixture.complete(claimed[0].lease)
            #expect(try await fixture.count("jobs WHERE state = 'succeeded'") == 50)
            #expect(try await fixture.count("verdicts WHERE NOT reused") == 1)
            #expect(try await fixture.count("uploads") == 1)
        }
    }

    @Test func enqueueingRacesTheLeadersEnd() async throws {
        try await StoreFixture.with { (fixture) async throws in
            let claimant = try await fixture.registerWorker()
            for round in 0..<20 {
                let sha256 = String(format: "%064d", round)
                let leader = try #require(try await fixture.enqueue(sha256: sha256)).id
                let lease = try #require(try await fixture.claim(leader, for: claimant)).lease
                async let completed = fixture.complete(lease)
                let other = try await JobStore(pool: fixture.pool).enqueue(StoreFixture.newJob(sha256: sha256))
                _ = try await completed
                // Whether it followed or came too late for that: it has the verdict, and no run of its own.
                let status = try #require(try await fixture.store.status(of: other.id, tenant: .default))
                #expect(status.state == .succeeded && status.verdict?.reused == true, "\(other.outcome)")
            }
        }
    }

    @Test func picturesOutliveTheJobTheyWereDrawnFor() async throws {
        try await StoreFixture.with { (fixture) async throws in
            let claimant = try await fixture.registerWorker()
            var ids = [try #require(try await fixture.enqueue(sha256: Self.clip)).id]
            _ = try await fixture.complete(
                try #require(try await fixture.claim(ids[0], for: claimant)).lease, artifacts: [StoreFixture.artifact])
            for _ in 0..<2 { ids.append(try #require(try await fixture.enqueue(sha256: Self.clip)).id) }
            while !ids.isEmpty {
                for id in ids {
                    let picture = try await fixture.store.artifact(of: id, tenant: .default, track: 0, frame: 3, kind: .gradcam)
                    #expect(picture == StoreFixture.artifact)
                }
                let gone = ids.removeFirst()
                let erasure = try #require(try await fixture.store.erase(gone, tenant: .default))
                // The bytes go with the last who refers to them.
                #expect((erasure.upload != nil) == ids.isEmpty)
            }
            #expect(try await fixture.count("artifacts") == 0)
            #expect(try await fixture.count("verdicts") == 0)
        }
    }

    /// One statement takes all of them, in either order: the heir of the pictures is gone by the time that it is looked for.
    @Test(arguments: [true, false]) func allWhoShowPicturesGoAtOnce(_ isOldestFirst: Bool) async throws {
        try await StoreFixture.with { (fixture) async throws in
            let claimant = try await fixture.registerWorker()
            let first = try #require(try await fixture.enqueue(sha256: Self.clip)).id
            _ = try await fixture.complete(
                try #require(try await fixture.claim(first, for: claimant)).lease, artifacts: [StoreFixture.artifact])
            for _ in 0..<3 { _ = try await fixture.enqueue(sha256: Self.clip) }
            #expect(try await fixture.count("verdicts WHERE pictures_of IS NOT NULL") == 3)
            // A row that is written anew lies behind the others, and is deleted after them.
            if !isOldestFirst { try await fixture.pool.execute("UPDATE jobs SET revision = revision + 1 WHERE id = $1", [first.uuid]) }
            try await fixture.pool.withTransaction { transaction in
                // A search without an end would keep a processor for good.
                try await transaction.execute("SET LOCAL statement_timeout = '10s'")
                try await transaction.execute("DELETE FROM jobs")
            }
            for table in ["jobs", "verdicts", "artifacts", "attempts"] { #expect(try await fixture.count(table) == 0, "\(table)") }
        }
    }

    /// The retention's own statement, with a verdict that others have taken over.
    @Test func retentionTakesSharedVerdictsToo() async throws {
        try await StoreFixture.with { (fixture) async throws in
            let claimant = try await fixture.registerWorker()
            let first = try #require(try await fixture.enqueue(sha256: Self.clip)).id
            _ = try await fixture.complete(
                try #require(try await fixture.claim(first, for: claimant)).lease, artifacts: [StoreFixture.artifact])
            _ = try await fixture.enqueue(sha256: Self.clip)
            try await fixture.pool.execute("UPDATE jobs SET finished_at = now() - interval '3 s' WHERE id <> $1", [first.uuid])
            try await fixture.pool.execute("UPDATE jobs SET finished_at = now() - interval '2 s' WHERE id = $1", [first.uuid])
            var removed: Int?
            _ = try await eventually {
                removed = try await fixture.store.removeExpired(RetentionPolicy(secondsByState: [.succeeded: 1]))
                return removed != nil
            }
            #expect(removed == 2)
            #expect(try await fixture.count("artifacts") == 0)
        }
    }

    private func expectSuccession(_ fixture: StoreFixture, _ claimant: Claimant, _ followers: [JobID]) async throws {
        #expect(try await fixture.store.status(of: followers[0], tenant: .default)?.leaderID == nil)
        #expect(try await fixture.store.status(of: followers[1], tenant: .default)?.leaderID == followers[0])
        let claimed = try await fixture.store.claimNext(10, for: claimant)
        #expect(claimed.map(\.lease.job) == [followers[0]])
        #expect(try await fixture.complete(claimed[0].lease) == .written(followers: [followers[1]]))
        #expect(try await fixture.store.status(of: followers[1], tenant: .default)?.state == .succeeded)
    }
}
