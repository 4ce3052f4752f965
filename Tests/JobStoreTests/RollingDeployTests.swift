import Foundation
import JobModel
import JobStore
import PostgresClient
import Testing

/// The statements of the release before this one, which its programs go on sending while a deployment rolls.
@Suite struct RollingDeployTests {
    private static let clip = String(repeating: "c", count: 64)

    @Test func theirJobsRunHere() async throws {
        try await StoreFixture.with { (fixture) async throws in
            let claimant = try await fixture.registerWorker()
            let id = JobID.make()
            try await Self.enqueue(id, fixture)
            let lease = try #require(try await fixture.claim(id, for: claimant)).lease
            #expect(try await fixture.complete(lease) == .written(followers: []))
            // It has no content key: its verdict is nobody else's.
            #expect(try await fixture.enqueue(sha256: Self.clip)?.state == .queued)
        }
    }

    @Test func theirWorkersEndOurJobsAndOurFollowersEndWithThem() async throws {
        try await StoreFixture.with { (fixture) async throws in
            let claimant = try await fixture.registerWorker()
            let leader = try #require(try await fixture.enqueue(sha256: Self.clip)).id
            let follower = try #require(try await fixture.enqueue(sha256: Self.clip)).id
            #expect(try await Self.claim(leader, claimant, fixture) == 1)
            #expect(try await Self.claim(follower, claimant, fixture) == 0)
            try await fixture.pool.withTransaction { transaction in
                try await transaction.execute(
                    """
                    UPDATE jobs SET state = 'succeeded', finished_at = now(), lease_owner = NULL, lease_until = NULL,
                        stage = NULL, progress = 1, error = NULL, revision = revision + 1
                    WHERE id = $1 AND lease_epoch = 1 AND state = 'running' AND NOT cancel_requested
                    """,
                    [leader.uuid])
                try await transaction.execute(
                    """
                    INSERT INTO verdicts (job_id, epoch, tenant, label, probability, model_sha256, reused, body)
                    VALUES ($1, 1, 'default', 'uncertain', 0.5, $2, false, $3)
                    """,
                    [
                        leader.uuid, fixture.modelSHA256,
                        try PostgresJSON(encoding: StoreFixture.verdict(model: fixture.modelSHA256)),
                    ])
            }
            #expect(try await fixture.store.status(of: follower, tenant: .default)?.verdict?.reused == true)
            // Which way from bytes to verdict it went is not known, so it is not taken over by new jobs.
            #expect(try await fixture.enqueue(sha256: Self.clip)?.state == .queued)
        }
    }

    @Test func theirGatewaysCancelAndDispatchOurJobs() async throws {
        try await StoreFixture.with { (fixture) async throws in
            _ = try await fixture.registerWorker()
            let leader = try #require(try await fixture.enqueue(sha256: Self.clip)).id
            let follower = try #require(try await fixture.enqueue(sha256: Self.clip)).id
            for id in [follower, leader] {
                let cancelled = try await fixture.pool.execute(
                    """
                    UPDATE jobs SET
                        cancel_requested = true, dispatched_at = NULL, revision = revision + 1,
                        state = CASE WHEN state = 'queued' THEN 'cancelled' ELSE state END,
                        error = CASE WHEN state = 'queued' THEN NULL ELSE error END,
                        finished_at = CASE WHEN state = 'queued' THEN now() END
                    WHERE tenant = 'default' AND id = $1 AND state IN ('queued', 'running') AND NOT cancel_requested
                    """,
                    [id.uuid])
                #expect(cancelled == 1)
                #expect(try await fixture.store.status(of: id, tenant: .default)?.leaderID == nil)
            }
            let waiting = try #require(try await fixture.enqueue(isDispatched: false)).id
            let due = try await fixture.pool.query(
                """
                SELECT id FROM jobs
                WHERE state = 'queued' AND leader_id IS NULL AND kind = 'analyze' AND run_at <= now() AND dispatched_at IS NULL
                ORDER BY queue_rank LIMIT 5 FOR UPDATE SKIP LOCKED
                """)
            #expect(try due.map { try $0.decode("id", as: UUID.self) } == [waiting.uuid])
        }
    }

    private static func enqueue(_ id: JobID, _ fixture: StoreFixture) async throws {
        try await fixture.pool.execute(
            "INSERT INTO uploads (id, tenant, sha256, bytes, media_type, store_key) VALUES ($1, 'default', $2, 10, 'video/mp4', $3)",
            [id.uuid, clip, "\(id)"])
        try await fixture.pool.execute(
            """
            INSERT INTO jobs (id, tenant, kind, priority, queue_rank, max_attempts, upload_id, upload_sha256, options,
                              model_sha256, traceparent, dispatched_at)
            VALUES ($1, 'default', 'analyze', 0, (extract(epoch FROM now()) * 1e6)::bigint, 5, $1, $2, '{}',
                    (SELECT sha256 FROM models WHERE active), NULL, now())
            """,
            [id.uuid, clip])
    }

    private static func claim(_ id: JobID, _ claimant: Claimant, _ fixture: StoreFixture) async throws -> Int {
        try await fixture.pool.execute(
            """
            WITH chosen AS (
                SELECT id FROM jobs WHERE id = $1 AND state = 'queued' AND leader_id IS NULL AND run_at <= now()
                FOR UPDATE SKIP LOCKED
            ), claimed AS (
                UPDATE jobs SET
                    state = 'running', lease_epoch = lease_epoch + 1, lease_owner = $2,
                    lease_until = now() + make_interval(secs => 30), attempt = attempt + 1,
                    started_at = coalesce(started_at, now()), dispatched_at = NULL, stage = NULL, progress = 0,
                    model_sha256 = $3, revision = revision + 1
                FROM chosen WHERE jobs.id = chosen.id
                RETURNING jobs.*
            ), audited AS (
                INSERT INTO attempts (job_id, epoch, worker_id) SELECT id, lease_epoch, $2 FROM claimed
            )
            SELECT id FROM claimed
            """,
            [id.uuid, claimant.worker, claimant.modelSHA256])
    }
}
