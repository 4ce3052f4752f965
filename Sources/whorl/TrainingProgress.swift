import Foundation
import Training

/// Shows how a training goes: a line that changes on a terminal, now and then a line elsewhere.
final class TrainingProgress {
    /// Steps between two lines where there is no terminal.
    private static let plainEvery = 25

    private let line = ProgressLine(subject: "training")
    private let isTerminal = Terminal.isInteractive(2)

    func note(_ text: String) {
        line.clear()
        StandardError.write("whorl: \(Terminal.printable(text))")
    }

    func clear() {
        line.clear()
    }

    func show(_ event: Trainer.Event, steps: Int) {
        switch event {
        case .step(let metrics, let loss, let rate, let secondsLeft):
            let text = "step \(metrics.step)/\(steps)  loss \(loss.text(4))  \(rate.text(1)) pictures/s  \(Self.duration(secondsLeft)) left"
            line.show(text, Double(metrics.step) / Double(steps))
            if !isTerminal, metrics.step % Self.plainEvery == 0 || metrics.step == steps { StandardError.write(text) }
        case .validation(let validation):
            let sets = validation.sets.sorted { $0.key < $1.key }.map { name, result in
                "\(name): " + (result.auc.map { "AUC \($0.text(3)), " } ?? "") + "loss \(result.loss.text(3))"
                    + " (\(result.reals) real, \(result.fakes) fake sources)"
            }
            note("step \(validation.step)  \(sets.joined(separator: "; "))")
        case .saved: break
        case .note(let text): note(text)
        }
    }

    private static func duration(_ seconds: Double) -> String {
        let minutes = Int((seconds / 60).rounded())
        if minutes >= 60 { return "\(minutes / 60) h \(minutes % 60) min" }
        return minutes > 0 ? "\(minutes) min" : "\(Int(seconds.rounded())) s"
    }
}
