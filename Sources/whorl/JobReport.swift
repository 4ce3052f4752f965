import Foundation
import JobModel

/// A job for people, or as the API gives it.
struct JobReport {
    let status: JobStatus
    /// What heads a verdict: the file's name where it is known.
    let title: String
    let terminal: Terminal
    /// Every start, where they were asked for.
    var attempts: [JobAttempt] = []

    func printOut(asJSON: Bool) throws {
        if asJSON {
            print(String(decoding: try WhorlJSON.encoder(pretty: true).encode(status), as: UTF8.self))
        } else {
            print(text)
        }
    }

    private var text: String {
        func fact(_ name: String, _ value: String) -> String {
            "  " + terminal.paint(name.padded(right: 10), .faint) + value
        }
        var lines = ["job \(terminal.paint("\(status.id)", .bold))", fact("state", stateText)]
        if let error = status.error {
            lines.append(fact("error", "\(Terminal.printable(error.message)) [\(Terminal.printable(error.code))]"))
        }
        if status.cancelRequested, !status.state.isTerminal { lines.append(fact("cancel", "asked for")) }
        if let leader = status.leaderID { lines.append(fact("shares", "the run of job \(leader), of the same bytes")) }
        if status.state == .queued, status.runAt > status.createdAt { lines.append(fact("runs at", status.runAt.formatted(.iso8601))) }
        lines.append(fact("attempt", "\(status.attempt) of \(status.maximumAttempts)"))
        lines.append(
            fact(
                "clip", (status.uploadBytes.map { "\($0) bytes" } ?? "not fetched yet") + ", \(status.options.sampling.count) frames"
                    + (status.uploadSHA256.map { ", sha256 " + Terminal.printable(String($0.prefix(16))) } ?? "")))
        if let url = status.sourceURL { lines.append(fact("from", Terminal.printable(url))) }
        lines.append(fact("created", status.createdAt.formatted(.iso8601)))
        if let finished = status.finishedAt { lines.append(fact("finished", finished.formatted(.iso8601))) }
        for attempt in attempts { lines.append(fact("start \(attempt.epoch)", text(of: attempt))) }
        guard let verdict = status.verdict else { return lines.joined(separator: "\n") }
        let report = VerdictReport(title: title, verdict: verdict, picturesPath: nil, terminal: terminal)
        return (lines + ["", report.text]).joined(separator: "\n")
    }

    private func text(of attempt: JobAttempt) -> String {
        let host = Terminal.printable(attempt.host ?? "a worker")
        let end = attempt.finishedAt.map { " to \($0.formatted(.iso8601))" } ?? ""
        let error = attempt.error.map { " [\(Terminal.printable($0.code))]" } ?? ""
        return "\(attempt.startedAt.formatted(.iso8601))\(end) on \(host), \(attempt.outcome ?? "running")\(error)"
    }

    private var stateText: String {
        guard status.state == .running else { return status.state.rawValue }
        return "running, \(Int(status.progress * 100)) %" + (status.stage.map { ", \($0.rawValue)" } ?? "")
    }
}
