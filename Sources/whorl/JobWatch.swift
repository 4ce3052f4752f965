import Foundation
import JobModel

/// Follows a job to its end.
struct JobWatch {
    /// The longest wait that the API grants.
    private static let pollSeconds = 25
    /// How long a server may be away before a watch gives up on it.
    private static let absenceSeconds = 30.0

    let client: GatewayClient
    let timeoutSeconds: Double
    let progress: ProgressLine

    /// Waits for a terminal state, showing every change on the way; a server that is away for a moment is asked again.
    ///
    /// - Throws: `CommandFailure` when the time is up or the server stays away; the job itself goes on.
    func end(of job: JobStatus) async throws -> JobStatus {
        defer { progress.clear() }
        let deadline = ContinuousClock.now + .seconds(timeoutSeconds)
        var status = job
        var lastAnswer = ContinuousClock.now
        while !status.state.isTerminal {
            show(status)
            let left = (deadline - ContinuousClock.now) / .seconds(1)
            guard left > 0 else {
                throw CommandFailure(
                    .failure, code: "wait_timeout",
                    "job \(job.id) is still \(status.state.rawValue) after \(Int(timeoutSeconds)) s; it goes on: "
                        + "whorl jobs show \(job.id)")
            }
            let asked = ContinuousClock.now
            var isChanged = false
            do {
                let wait = max(1, min(Self.pollSeconds, Int(left)))
                if let news = try await client.job(job.id, waitSeconds: wait, revision: status.revision) {
                    isChanged = news.revision != status.revision
                    status = news
                }
                lastAnswer = .now
            } catch let failure as CommandFailure where failure.status == .unreachable {
                guard lastAnswer.duration(to: .now) < .seconds(Self.absenceSeconds) else { throw failure }
            }
            // A server that does not wait as it was asked to must not be asked without a pause.
            if !isChanged, asked.duration(to: .now) < .milliseconds(500) { try await Task.sleep(for: .seconds(1)) }
        }
        return status
    }

    private func show(_ status: JobStatus) {
        let step = status.state == .running ? status.stage?.rawValue ?? "running" : status.state.rawValue
        progress.show(step, status.progress)
    }
}
