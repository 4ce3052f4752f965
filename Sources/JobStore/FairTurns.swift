/// The order in which tenants' jobs get their turns, as SQL.
///
/// A job's turn is its place in its tenant's own queue plus the number of that tenant's jobs that run: whoever has less under
/// way goes first, however many jobs another has posted. Between equal turns the earlier rank wins.
enum FairTurns {
    /// A query of `id`, `turn`, `queue_rank` and `dispatched_at`, for `WITH RECURSIVE`.
    ///
    /// Each tenant costs three descents of an index, whatever the length of its queue.
    ///
    /// - Parameters:
    ///   - kind: the statement's parameter that holds the kind.
    ///   - depth: SQL for how many jobs of each tenant are looked at.
    ///   - condition: which jobs count, beside being queued, due and nobody's followers.
    static func clauses(kind: String, depth: String, condition: String = "true") -> String {
        """
        tenants AS (
            (SELECT tenant FROM jobs WHERE state = 'queued' AND leader_id IS NULL AND kind = \(kind) ORDER BY tenant LIMIT 1)
            UNION ALL
            SELECT (SELECT later.tenant FROM jobs later
                    WHERE later.state = 'queued' AND later.leader_id IS NULL AND later.kind = \(kind) AND later.tenant > tenants.tenant
                    ORDER BY later.tenant LIMIT 1)
            FROM tenants WHERE tenants.tenant IS NOT NULL
        ), busy AS (
            -- A tenant by itself has nobody to take turns with, and is spared the leases, which a fast queue leaves many dead ones of.
            SELECT tenant, count(*) AS running FROM jobs
            WHERE state = 'running' AND kind = \(kind) AND (SELECT count(tenant) FROM tenants) > 1 GROUP BY tenant
        ), turns AS (
            SELECT waiting.id, waiting.queue_rank, waiting.dispatched_at,
                   coalesce(busy.running, 0) + row_number() OVER (PARTITION BY tenants.tenant ORDER BY waiting.queue_rank) AS turn
            FROM tenants
            CROSS JOIN LATERAL (
                SELECT id, queue_rank, dispatched_at FROM jobs
                WHERE state = 'queued' AND leader_id IS NULL AND kind = \(kind) AND jobs.tenant = tenants.tenant
                  AND run_at <= now() AND \(condition)
                ORDER BY queue_rank LIMIT \(depth)
            ) waiting
            LEFT JOIN busy ON busy.tenant = tenants.tenant
        )
        """
    }

    /// Locks jobs by their ids, and skips those that are locked: a table expression named `jobs`, for `CROSS JOIN LATERAL`.
    ///
    /// Nothing but the id is asked for inside, and the offset keeps other conditions out: with one about the state the
    /// planner may walk the whole queue to find an id, when its statistics are from a time at which nothing was queued.
    static func locked(_ id: String) -> String {
        "(SELECT * FROM jobs named WHERE named.id = \(id) OFFSET 0 FOR UPDATE SKIP LOCKED) jobs"
    }
}
