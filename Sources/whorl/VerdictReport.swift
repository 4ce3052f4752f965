import Analysis
import JobModel

/// A verdict for people on a terminal. Every colour has a word or a length beside it.
struct VerdictReport {
    private static let barWidth = 40

    let title: String
    let verdict: Verdict
    /// Where the contact sheet was written, if it was.
    let picturesPath: String?
    let terminal: Terminal

    /// All lines, ending in an empty one.
    var text: String {
        var lines = [terminal.paint(Terminal.printable(title), .bold), "", headline]
        let remarks = self.remarks
        if !remarks.isEmpty { lines += [""] + remarks }
        if let track = verdict.decidingTrack {
            lines += [""] + bars(of: track) + ["", "  What it rests on"] + basis(of: track)
        } else {
            lines += ["", "  What it rests on"]
        }
        return (lines + facts).joined(separator: "\n") + "\n"
    }

    private var headline: String {
        let label = terminal.paint(" \(verdict.label.rawValue.uppercased()) ", .bold, style(of: verdict.label))
        guard let probability = verdict.probability, let confidence = verdict.confidence else {
            return " \(label) nothing was judged"
        }
        return " \(label) probability of fake \(probability.text(3)), confidence \(confidence.text(3))"
    }

    private var remarks: [String] {
        var lines: [String] = []
        if !verdict.model.trained {
            lines.append(
                "  ! " + terminal.paint("Untrained model", .bold, .caution)
                    + ": its weights are random, so this verdict means nothing.")
        }
        for reason in verdict.reasons where reason != .untrainedModel {
            lines.append("  ! Uncertain: \(reason.explanation).")
        }
        for line in verdict.otherPeople { lines.append("  - Also seen: \(line).") }
        for warning in verdict.warnings {
            lines.append("  - Note: \(Terminal.printable(Verdict.explanation(ofWarning: warning))).")
        }
        return lines
    }

    private func bars(of track: Verdict.Track) -> [String] {
        let mark = terminal.usesUnicode ? "│" : "|"
        let head = "  Over time: probability of fake a frame; beyond the \(mark), at \(verdict.threshold.text(2)), it is called fake"
        let loudest = track.mostSuspicious?.index
        return [head] + track.frames.map { frame in
            let note = frame.index == loudest ? "  <- most suspicious" : ""
            let time = "\(frame.timestampSeconds.text(2)) s".padded(left: 10)
            return "  \("\(frame.index)".padded(left: 2)) \(time)  \(bar(of: frame.probability)) "
                + "\(frame.probability.text(3)) \(frame.contribution.signedText(4).padded(left: 9))\(note)"
        }
    }

    /// A bar over 0…1 with the threshold's mark in it.
    private func bar(of probability: Double) -> String {
        let (full, empty, mark) = terminal.usesUnicode ? ("█", "·", "│") : ("#", ".", "|")
        let filled = Int((min(max(probability, 0), 1) * Double(Self.barWidth)).rounded())
        let threshold = min(Self.barWidth, max(0, Int((verdict.threshold * Double(Self.barWidth)).rounded())))
        func piece(_ range: Range<Int>) -> String {
            let bright = range.clamped(to: 0..<filled).count
            return String(repeating: full, count: bright) + String(repeating: empty, count: range.count - bright)
        }
        let style: Terminal.Style = probability >= verdict.threshold ? .warm : .cool
        return terminal.paint(piece(0..<threshold), style) + mark + terminal.paint(piece(threshold..<Self.barWidth), style)
    }

    private func basis(of track: Verdict.Track) -> [String] {
        var lines = [
            fact(
                "logit",
                "\(track.logit.signedText(4)): the sum of the \(track.frames.count) frames' contributions (last column)"),
            fact("probability", "sigmoid(logit / \(verdict.model.temperature.text(2)))"),
        ]
        if let frame = track.mostSuspicious { lines.append(fact("most for fake", place(of: frame))) }
        if let frame = track.frames.min(by: { $0.contribution < $1.contribution }) {
            lines.append(fact("most for real", place(of: frame)))
        }
        return lines
    }

    private func place(of frame: Verdict.Frame) -> String {
        "frame \(frame.index) at \(frame.timestampSeconds.text(2)) s, \(frame.contribution.signedText(4))"
    }

    private var facts: [String] {
        let model = verdict.model
        let video = verdict.video
        let timings = verdict.timings
        var lines = [
            fact(
                "model", "\(Terminal.printable(model.name)) \(Terminal.printable(model.version)), "
                    + "\(model.trained ? "trained" : "untrained"), sha256 \(model.sha256.prefix(16))"),
            fact(
                "clip", "\(Terminal.printable(video.codec)), \(video.width)x\(video.height), \(video.durationSeconds.text(2)) s, "
                    + "\(video.frameCount) frames, \(verdict.sampling.request.count) sampled, sha256 \(video.sha256.prefix(16))"),
            fact(
                "time", "decoding \(timings.decodeMilliseconds.text(0)) ms"
                    + (timings.faceMilliseconds.map { " (faces \($0.text(0)) ms of it)" } ?? "") + ", network \(timings.forwardMilliseconds.text(0)) ms"
                    + (timings.drawMilliseconds > 0 ? ", drawing \(timings.drawMilliseconds.text(0)) ms" : "")),
        ]
        if verdict.reused { lines.append(fact("reused", "taken over from an earlier job about the same bytes")) }
        if let picturesPath { lines.append(fact("pictures", Terminal.printable(picturesPath))) }
        return lines
    }

    private func fact(_ name: String, _ value: String) -> String {
        "    " + terminal.paint(name.padded(right: 14), .faint) + value
    }

    private func style(of label: Verdict.Label) -> Terminal.Style {
        switch label {
        case .fake: .warm
        case .real: .cool
        case .uncertain: .caution
        }
    }
}
