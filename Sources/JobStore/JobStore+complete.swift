import Foundation
import JobModel
import PostgresClient

/// A verdict on its way into the store, with the lease under which it was found.
struct Completion: Sendable {
    /// Pictures of one batch; a single job's may be more.
    static let batchBytes = 8 << 20

    let lease: JobLease
    let verdict: Verdict
    let analysisVersion: String
    let artifacts: [Artifact]

    var bytes: Int { artifacts.reduce(0) { $0 + $1.bytes.count } }
}

extension JobStore {
    /// Stores the verdict with its pictures and ends the job, and with it those that follow it: in one transaction, which it may
    /// share with others.
    ///
    /// - Parameter analysisVersion: names the way from bytes to verdict; a verdict is reused only where it is the same.
    /// - Returns: `superseded` if the lease is no longer ours, or if the job's cancellation was asked for: nothing was
    ///   written then.
    public func complete(
        _ lease: JobLease, verdict: Verdict, analysisVersion: String, artifacts: [Artifact]
    ) async throws -> FencedOutcome {
        try await completing.submit(
            Completion(lease: lease, verdict: verdict, analysisVersion: analysisVersion, artifacts: artifacts))
    }

    /// One statement for everything: the jobs' rows are locked, and their heartbeats wait, for one round trip.
    static func complete(_ completions: [Completion], _ pool: PostgresPool) async throws -> [FencedOutcome] {
        let pictures = completions.flatMap { completion in
            completion.artifacts.map { (job: completion.lease.job.uuid, artifact: $0) }
        }
        let rows = try await pool.query(
            """
            WITH judgement AS (
                SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::float8[], $5::text[], $6::text[], $7::boolean[],
                                     $8::jsonb[])
                    AS j (id, epoch, label, probability, model_sha256, analysis_version, reused, body)
            ), ended AS (
                UPDATE jobs SET state = 'succeeded', finished_at = now(), lease_owner = NULL, lease_until = NULL,
                    stage = NULL, progress = 1, error = NULL, revision = revision + 1
                FROM judgement j
                WHERE jobs.id = j.id AND jobs.lease_epoch = j.epoch AND jobs.state = 'running' AND NOT jobs.cancel_requested
                RETURNING jobs.tenant, j.*, \(followers)
            ), judged AS (
                INSERT INTO verdicts (job_id, epoch, tenant, label, probability, model_sha256, analysis_version, reused, body)
                SELECT id, epoch, tenant, label, probability, model_sha256, analysis_version, reused, body FROM ended
            ), audited AS (
                UPDATE attempts SET finished_at = now(), outcome = 'succeeded'
                FROM ended WHERE attempts.job_id = ended.id AND attempts.epoch = ended.epoch
            ), drawn AS (
                INSERT INTO artifacts (job_id, track, frame, kind, media_type, bytes)
                SELECT p.* FROM unnest($9::uuid[], $10::bigint[], $11::bigint[], $12::text[], $13::text[], $14::bytea[])
                    AS p (id, track, frame, kind, media_type, bytes)
                WHERE p.id IN (SELECT id FROM ended)
            )
            SELECT id, followers FROM ended
            """,
            try columns(of: completions) + columns(of: pictures))
        var written: [JobID: [JobID]] = [:]
        for row in rows {
            written[JobID(uuid: try row.decode("id"))] = try row.decode("followers", as: [UUID].self).map(JobID.init(uuid:))
        }
        return completions.map { written[$0.lease.job].map(FencedOutcome.written) ?? .superseded }
    }

    private static func columns(of completions: [Completion]) throws -> [any PostgresParameter] {
        let verdicts = completions.map(\.verdict)
        return [
            completions.map(\.lease.job.uuid), completions.map(\.lease.epoch), verdicts.map(\.label.rawValue),
            verdicts.map(\.probability), verdicts.map(\.model.sha256), completions.map(\.analysisVersion),
            verdicts.map(\.reused), try verdicts.map { try PostgresJSON(encoding: $0) },
        ]
    }

    private static func columns(of pictures: [(job: UUID, artifact: Artifact)]) -> [any PostgresParameter] {
        let artifacts = pictures.map(\.artifact)
        return [
            pictures.map(\.job), artifacts.map(\.track), artifacts.map(\.frame), artifacts.map(\.kind.rawValue),
            artifacts.map(\.mediaType), artifacts.map { Data($0.bytes) },
        ]
    }
}
