import Detector
import Testing

@Suite("ScoreDistribution")
struct ScoreDistributionTests {
    @Test("each probability falls into its bin, and the ends into the outer ones")
    func bins() {
        let scores = ScoreDistribution(real: [0, 0.049, 0.05, 0.5], fake: [1, 0.95, 0.949])
        #expect(scores.real[0] == 2 && scores.real[1] == 1 && scores.real[10] == 1 && scores.real.reduce(0, +) == 4)
        #expect(scores.fake[19] == 2 && scores.fake[18] == 1 && scores.fake.reduce(0, +) == 3)
    }
}
