import Detector
import Evaluation
import Foundation
import DetectionMetrics
import NeuralCore
import Testing

@Suite struct CalibrationTests {
    private static let card = ModelCard(name: "m", version: "1", trained: true)

    /// Logits three times too large for what they say.
    private static func samples(_ count: Int, seed: UInt64) -> [Calibration.Sample] {
        var random = SeededRandom(seed: seed)
        return (0..<count).map { _ in
            let truth = 2 * random.normal()
            return Calibration.Sample(isFake: random.chance(1 / (1 + exp(-truth))), logit: 3 * truth)
        }
    }

    @Test func theTemperatureIsFound() throws {
        let calibration = try Calibration(
            fitting: Self.samples(4_000, seed: 1), reportingOn: Self.samples(2_000, seed: 2), card: Self.card, targetError: 0.1)
        #expect((2.6...3.4).contains(calibration.temperature.temperature) && !calibration.temperature.isAtBound)
        let before = try #require(calibration.reportedBefore), after = try #require(calibration.reportedAfter)
        #expect(after.expectedCalibrationError < before.expectedCalibrationError / 2 && after.logLoss < before.logLoss)
        #expect(after.reals + after.fakes == 2_000)
        let band = try #require(calibration.band)
        #expect((band.wrong.rate ?? 1) <= 0.1 && band.low <= 0.5 && band.high >= 0.5)
        #expect(abs((after.band.wrong.rate ?? 1) - 0.1) < 0.03, "a band chosen on others keeps its promise about")
    }

    @Test func theCardTakesBoth() throws {
        let calibration = try Calibration(fitting: Self.samples(500, seed: 3), card: Self.card, targetError: 0.05)
        let card = calibration.applied(to: Self.card)
        #expect(card.temperature == calibration.temperature.temperature)
        #expect(card.abstention == [calibration.band?.low, calibration.band?.high].compactMap(\.self))
        #expect(calibration.reportedAfter == nil)
        let scores = try #require(card.scores)
        let samples = Self.samples(500, seed: 3)
        let sure = samples.count { !$0.isFake && 1 / (1 + exp(-$0.logit / card.temperature)) < 0.05 }
        #expect(scores.real[0] == sure && scores.real.reduce(0, +) == samples.count { !$0.isFake } && scores.fake.reduce(0, +) == samples.count(where: \.isFake))
        let checkpoint = try Checkpoint.initialised(seed: 1)
        var stored = checkpoint.card
        stored.temperature = card.temperature
        stored.abstention = card.abstention
        stored.scores = card.scores
        let path = FileManager.default.temporaryDirectory.path + "/whorl-calibrated-\(UUID().uuidString).safetensors"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try checkpoint.with(card: stored).write(to: path)
        #expect(try Checkpoint.card(path: path) == stored)
        let copy = try JSONDecoder().decode(Calibration.self, from: JSONEncoder().encode(calibration))
        #expect(copy == calibration)
    }

    @Test func aTargetOutOfReachAbstainsFromEverything() throws {
        let hopeless = [(false, 3.0), (true, -3.0), (false, 2.0), (true, -2.0)].map { Calibration.Sample(isFake: $0, logit: $1) }
        let calibration = try Calibration(fitting: hopeless, card: Self.card, targetError: 0.1)
        #expect(calibration.band == nil && calibration.applied(to: Self.card).abstention == [0, 1])
        #expect(calibration.fittedAfter.band.decided.hits == 0)
    }

    @Test func bothLabelsAreNeeded() {
        #expect(throws: EvaluationError.self) {
            try Calibration(fitting: [.init(isFake: true, logit: 1)], card: Self.card, targetError: 0.1)
        }
        #expect(throws: EvaluationError.self) {
            try Calibration(fitting: Self.samples(10, seed: 1), card: Self.card, targetError: -1)
        }
        #expect(throws: EvaluationError.self) {
            try Calibration(fitting: [.init(isFake: true, logit: .nan), .init(isFake: false, logit: 0)], card: Self.card, targetError: 0.1)
        }
    }
}
