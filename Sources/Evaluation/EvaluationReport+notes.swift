import Detector
import Foundation

extension ModelCard {
    /// The logit whose probability is the threshold.
    var logitOfThreshold: Double { temperature * log(threshold / (1 - threshold)) }
}

extension EvaluationReport {
    /// Fewer groups than this say little about others.
    private static let fewGroups = 20

    /// What a reader of the figures has to know beside them.
    static func notes(on report: EvaluationReport) -> [String] {
        let counts = report.overall.counts
        var notes: [String] = []
        if !report.model.card.trained {
            notes.append("The model says of itself that it was never trained: its figures show what chance looks like on these clips.")
        }
        if counts.groups < 2 {
            notes.append("All clips belong to one group, so no interval over groups is given, and nothing is known about other people or sources.")
        } else if counts.groups < fewGroups {
            notes.append(
                "Only \(counts.groups) groups: an interval over groups rests on few draws of few things and is itself uncertain; the one over clips "
                    + "takes clips of one person or source for independent and is too narrow. The truth about new people is wider than either.")
        }
        if counts.judged < counts.clips {
            notes.append(
                "\(counts.clips - counts.judged) of \(counts.clips) clips could not be judged. Rates leave them out unless they say “of all”; "
                    + "each is listed with its reason.")
        }
        if counts.judgedReals < 100 {
            let step = Self.percent(1 / Double(max(1, counts.judgedReals)))
            let rates = counts.judgedReals < 20 ? "rates at 1\u{A0}% and at 5\u{A0}% false positives are" : "rate at 1\u{A0}% false positives is"
            notes.append(
                "With \(counts.judgedReals) reals a single one moves the false positive rate by \(step), so the "
                    + "true positive \(rates) what can be had without any false positive.")
        }
        notes.append(
            "Precision, accuracy, calibration and abstention depend on how many fakes there are: here "
                + "\(Self.percent(Double(counts.judgedFakes) / Double(max(1, counts.judged)))) of the judged clips. In use it will be another share.")
        notes.append(
            "These clips come from one collection. Other cameras, codecs, people and newer ways of forging are another test; detectors of this kind "
                + "lose much of their margin there. Fully generated video is not what this model looks for.")
        notes.append("If the model, its threshold or its temperature were chosen by these clips, the figures flatter it.")
        return notes
    }

    private static func percent(_ share: Double) -> String { "\(Int((share * 100).rounded()))\u{A0}%" }
}
