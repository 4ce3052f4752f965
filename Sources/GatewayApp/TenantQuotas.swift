import Foundation
import JobModel
import JobStore

/// Holds each tenant to its bounds on stored bytes and on jobs a day, by counts of its own that are paced, and by what this
/// gateway let in since.
///
/// The bounds hold to within what other gateways let in between two counts.
actor TenantQuotas {
    /// What this gateway let in since a count.
    private struct Since {
        let countedAt: ContinuousClock.Instant
        var jobs = 0
        var bytes: Int64 = 0
    }

    private static let capacity = 10_000

    private let counts: PacedCounts<Tenant, TenantUsage>
    private let defaults: TenantBounds
    private var since: [Tenant: Since] = [:]

    /// - Parameter defaults: for tenants without bounds of their own; nil for none.
    init(store: AccessStore, defaults: TenantBounds) {
        counts = PacedCounts { try await store.usage(of: $0) }
        self.defaults = defaults
    }

    /// Whether another clip of so many bytes may come in, as far as its size is known.
    ///
    /// - Returns: how many of the tenant's jobs may wait, and the most that the clip may have.
    /// - Throws: a `Problem`, or what PostgreSQL throws.
    func admit(_ tenant: Tenant, bytes: Int64) async throws -> (maximumQueued: Int?, room: Int64) {
        let counted = try await counts.value(for: tenant)
        let usage = counted.value
        let since = since[tenant].flatMap { $0.countedAt == counted.takenAt ? $0 : nil }
        if let bound = usage.bounds.maximumJobsPerDay ?? defaults.maximumJobsPerDay, usage.jobsToday + (since?.jobs ?? 0) >= bound {
            let rest = usage.secondsToMidnight - counted.takenAt.duration(to: .now).seconds
            throw Problem(
                .tenantJobsPerDay, "\(bound) jobs a day are yours, and they are used up; the next day begins at midnight UTC",
                retryAfterSeconds: max(1, Int(rest)), closesConnection: true)
        }
        var room = Int64.max
        if let bound = usage.bounds.maximumStoredBytes ?? defaults.maximumStoredBytes {
            room = bound - usage.storedBytes - (since?.bytes ?? 0)
            guard max(1, bytes) <= room else {
                throw Problem(
                    .tenantStorageFull,
                    "no more than \(bound) bytes of yours may be stored, and \(max(0, room)) are left; erase jobs, or wait until judged clips go",
                    closesConnection: true)
            }
        }
        return (usage.bounds.maximumQueuedJobs ?? defaults.maximumQueuedJobs, room)
    }

    /// Counts a job that came in since.
    func noteJob(of tenant: Tenant, storedBytes: Int64) async {
        // The job is made: where the count cannot be had, the next one has it.
        guard let counted = try? await counts.value(for: tenant) else { return }
        if since.count >= Self.capacity { since.removeAll() }
        var entry = since[tenant].flatMap { $0.countedAt == counted.takenAt ? $0 : nil } ?? Since(countedAt: counted.takenAt)
        entry.jobs += 1
        entry.bytes += storedBytes
        since[tenant] = entry
    }

    /// What is known is of before an operator's change.
    func forget(_ tenant: Tenant) async {
        await counts.forget(tenant)
    }
}
