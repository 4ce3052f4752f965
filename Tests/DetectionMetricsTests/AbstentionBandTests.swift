import DetectionMetrics
import NeuralCore
import Testing

@Suite struct AbstentionBandTests {
    @Test func nothingToAbstainFrom() throws {
        let band = try #require(
            AbstentionBand(labels: [false, true], probabilities: [0.2, 0.9], threshold: 0.5, targetError: 0))
        #expect(band.low == 0.5 && band.high == 0.5)
        #expect(band.decided == Proportion(hits: 2, count: 2) && band.wrong == Proportion(hits: 0, count: 2))
    }

    @Test func wrongOnesAreTakenIn() throws {
        // A real at .55 and a fake at .3 are wrong; the narrower way to one error of three or less leaves one of them out.
        let labels = [false, true, false, false, true, true]
        let probabilities = [0.1, 0.3, 0.4, 0.55, 0.7, 0.9]
        let none = try #require(AbstentionBand(labels: labels, probabilities: probabilities, threshold: 0.5, targetError: 0))
        #expect(none.low == 0.3 && none.high == 0.55)
        #expect(none.decided == Proportion(hits: 3, count: 6) && none.wrong.hits == 0)
        let some = try #require(AbstentionBand(labels: labels, probabilities: probabilities, threshold: 0.5, targetError: 0.2))
        #expect(some.low == 0.5 && some.high == 0.55)
        #expect(some.wrong == Proportion(hits: 1, count: 5))
    }

    @Test func saysWhenItCannot() {
        #expect(AbstentionBand(labels: [true, false], probabilities: [0.1, 0.9], threshold: 0.5, targetError: 0.1) == nil)
        #expect(AbstentionBand(labels: [], probabilities: [], threshold: 0.5, targetError: 0.1) == nil)
        #expect(AbstentionBand(labels: [true], probabilities: [0.5], threshold: 0.5, targetError: 0.1) == nil)
    }

    @Test func equalProbabilitiesStayTogether() throws {
        let band = try #require(AbstentionBand(
            labels: [true, false, true, true], probabilities: [0.6, 0.6, 0.6, 0.8], threshold: 0.5, targetError: 0))
        #expect(band.high == 0.6 && band.decided == Proportion(hits: 1, count: 4))
    }

    @Test func aStatedBandIsHeldAgainstOtherData() {
        let band = AbstentionBand(labels: [false, true, true, false], probabilities: [0.1, 0.2, 0.5, 0.95], low: 0.4, high: 0.6)
        #expect(band.decided == Proportion(hits: 3, count: 4) && band.wrong == Proportion(hits: 2, count: 3))
    }

    /// Against trying every pair of ends, and by what is promised of it.
    @Test(arguments: 0..<40)
    func narrowestOfAll(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        let labels = (0..<14).map { _ in random.chance(0.5) }
        let probabilities = labels.map { isFake in
            min(1, max(0, ((isFake ? 0.6 : 0.4) + 0.25 * random.normal()) * 20).rounded() / 20)
        }
        let target = [0, 0.1, 0.25][seed % 3]
        let ends = Set(probabilities + [0.5])
        var narrowest: Double?
        for low in ends where low <= 0.5 {
            for high in ends where high >= 0.5 {
                let band = AbstentionBand(labels: labels, probabilities: probabilities, low: low, high: high)
                guard let rate = band.wrong.rate, rate <= target, high - low < narrowest ?? .infinity else { continue }
                narrowest = high - low
            }
        }
        let band = AbstentionBand(labels: labels, probabilities: probabilities, threshold: 0.5, targetError: target)
        #expect(isClose(band.map { $0.high - $0.low }, narrowest))
        guard let band else { return }
        #expect(band == AbstentionBand(labels: labels, probabilities: probabilities, low: band.low, high: band.high))
    }
}
