import Foundation
import HTTPTypes
import Hummingbird
import JobModel
import JobStore
import Logging
import ServiceLifecycle
import Telemetry

extension Gateway {
    /// The job as soon as it has ended or `suffices`, or as it stands at the deadline.
    ///
    /// - Throws: a `Problem` if the tenant has no such job.
    func rendering(
        of id: JobID, tenant: Tenant, until deadline: ContinuousClock.Instant, suffices: (StatusRendering) -> Bool = { _ in false }
    ) async throws -> StatusRendering {
        // Most ask without waiting, or for what is over: they need nobody to wake them.
        guard let first = try await board.rendering(of: id, tenant: tenant) else { throw Problem.noJob(id) }
        if first.isTerminal || suffices(first) || deadline <= .now { return first }
        return try await waiters.withTicket(for: id) { ticket in
            while true {
                guard let rendering = try await board.rendering(of: id, tenant: tenant) else { throw Problem.noJob(id) }
                let isOver = ContinuousClock.now >= deadline || Task.isCancelled || Task.isShuttingDownGracefully
                if rendering.isTerminal || suffices(rendering) || isOver { return rendering }
                await ticket.note(seen: rendering.revision)
                await ticket.wait(until: deadline)
            }
        }
    }

    /// Publishes a hint; without Redis those concerned find out a little later by themselves.
    func hint(_ hint: JobDispatch.Hint, _ job: JobID) async {
        if hint == .done { await waiters.wake(job) }
        do {
            try await dispatch.publish(hint, job)
        } catch {
            logger.debug("a hint was not published", metadata: [LogField.error: "\(String(reflecting: error))", LogField.job: "\(job)"])
        }
    }
}

extension Problem {
    /// What is not there, and what is another tenant's, look the same.
    static func noJob(_ id: JobID) -> Problem { .notFound("job \(id)") }
}

extension Request {
    /// Whether an entity tag is one of those in an If-None-Match field (RFC 9110 §13.1.2); a compressed answer's tag is that of
    /// the plain one with `+gzip`.
    func knows(_ tag: String) -> Bool {
        headers[values: .ifNoneMatch].flatMap { $0.split(separator: ",") }.contains { candidate in
            let candidate = candidate.trimmingCharacters(in: .whitespaces)
            let plain = candidate.hasPrefix("W/") ? String(candidate.dropFirst(2)) : candidate
            return plain == "*" || plain == tag || plain == tag.dropLast() + "+gzip\""
        }
    }

    /// The seconds that `Prefer: wait=N` asks for (RFC 7240 §4.3); nil without.
    func preferredWait() throws -> Int? {
        for preference in headers[values: .prefer].flatMap({ $0.split(separator: ",") }) {
            let parts = preference.split(separator: "=", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
            guard parts.first?.lowercased() == "wait" else { continue }
            // Parameters may follow; they mean nothing here.
            let value = parts.count == 2 ? parts[1].split(separator: ";").first?.trimmingCharacters(in: .whitespaces) : nil
            guard let value, value.utf8.allSatisfy({ (48...57).contains($0) }), let seconds = Int(value) else {
                throw Problem(.parameterInvalid, "Prefer: wait takes whole seconds, 0 or more", field: "Prefer")
            }
            return seconds
        }
        return nil
    }
}
