import Detector
import Foundation
import DetectionMetrics

/// A temperature and an abstention band fitted on some clips and reported on others.
public struct Calibration: Codable, Sendable, Equatable {
    /// How well probabilities fit, before or after.
    public struct Fit: Codable, Sendable, Equatable {
        public var reals: Int
        public var fakes: Int
        public var logLoss: Double
        public var brierScore: Double
        public var expectedCalibrationError: Double
        public var band: AbstentionBand
    }

    /// What calibration takes of a clip or a blend.
    public struct Sample: Codable, Sendable, Equatable {
        public var isFake: Bool
        /// Before any temperature.
        public var logit: Double

        public init(isFake: Bool, logit: Double) {
            self.isFake = isFake
            self.logit = logit
        }
    }

    public var temperature: TemperatureFit
    public var targetError: Double
    public var threshold: Double
    /// Chosen on what the temperature was fitted on; nil where no band reaches the target, and then the whole range 0…1 is the card's band: the
    /// model decides nothing rather than more wrongly than was asked.
    public var band: AbstentionBand?
    /// On what was fitted: under the card as it was, and after.
    public var fittedBefore: Fit
    public var fittedAfter: Fit
    /// How the probabilities of what was fitted are spread, after.
    public var scores: ScoreDistribution
    /// On other data; nil without any.
    public var reportedBefore: Fit?
    public var reportedAfter: Fit?

    /// Fits to samples of people whom the model did not learn from, and reports on others; each label must occur in what is fitted.
    ///
    /// - Parameter isBalanced: whether each label counts half however many it has: probabilities then are those of a world with as many fakes as
    ///   reals.
    public init(
        fitting samples: [Sample], reportingOn others: [Sample] = [], card: ModelCard, targetError: Double, isBalanced: Bool = true
    ) throws(EvaluationError) {
        guard (0...1).contains(targetError) else { throw .invalid("the target error is \(targetError); it must be a share of 0 to 1") }
        for label in EvaluationClip.Label.allCases where !samples.contains(where: { $0.isFake == (label == .fake) }) {
            throw .missingLabel(label)
        }
        let labels = samples.map(\.isFake)
        guard let fit = TemperatureFit(labels: labels, logits: samples.map(\.logit), isBalanced: isBalanced) else {
            throw .invalid("a logit to calibrate with is no finite number")
        }
        temperature = fit
        self.targetError = targetError
        threshold = card.threshold
        let probabilities = Self.probabilities(samples, temperature: fit.temperature)
        scores = ScoreDistribution(
            real: zip(labels, probabilities).filter { !$0.0 }.map(\.1), fake: zip(labels, probabilities).filter(\.0).map(\.1))
        let band = AbstentionBand(labels: labels, probabilities: probabilities, threshold: card.threshold, targetError: targetError)
        self.band = band
        let (low, high) = band.map { ($0.low, $0.high) } ?? (0, 1)
        fittedBefore = Self.fit(samples, temperature: card.temperature, low: card.abstention[0], high: card.abstention[1])
        fittedAfter = Self.fit(samples, temperature: fit.temperature, low: low, high: high)
        guard !others.isEmpty else { return }
        reportedBefore = Self.fit(others, temperature: card.temperature, low: card.abstention[0], high: card.abstention[1])
        reportedAfter = Self.fit(others, temperature: fit.temperature, low: low, high: high)
    }

    /// The card with what was fitted.
    public func applied(to card: ModelCard) -> ModelCard {
        var card = card
        card.temperature = temperature.temperature
        card.abstention = band.map { [$0.low, $0.high] } ?? [0, 1]
        card.scores = scores
        return card
    }

    private static func probabilities(_ samples: [Sample], temperature: Double) -> [Double] {
        samples.map { 1 / (1 + exp(-$0.logit / temperature)) }
    }

    private static func fit(_ samples: [Sample], temperature: Double, low: Double, high: Double) -> Fit {
        let labels = samples.map(\.isFake), probabilities = probabilities(samples, temperature: temperature)
        let fakes = labels.count { $0 }
        guard let reliability = Reliability(labels: labels, probabilities: probabilities) else { preconditionFailure("there are samples") }
        return Fit(
            reals: labels.count - fakes, fakes: fakes, logLoss: reliability.logLoss, brierScore: reliability.brierScore,
            expectedCalibrationError: reliability.expectedCalibrationError,
            band: AbstentionBand(labels: labels, probabilities: probabilities, low: low, high: high))
    }
}
