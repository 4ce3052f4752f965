import Foundation

/// Whether probabilities mean what they say: of the clips called 80 % fake, are about 80 % fake?
public struct Reliability: Sendable, Equatable, Codable {
    /// One of the equal parts of 0…1, its upper edge belonging to it.
    public struct Bin: Sendable, Equatable, Codable {
        public var low: Double
        public var high: Double
        public var count: Int
        /// Mean P(fake) of its members; nil in an empty bin.
        public var meanProbability: Double?
        /// Share of fakes among its members; nil in an empty bin.
        public var fakeShare: Double?
    }

    public var bins: [Bin]
    /// Mean distance between the two, each bin counting by its members (Guo et al. 2017, arXiv:1706.04599, equation 3, on P(fake)); 0…1.
    public var expectedCalibrationError: Double
    /// Mean squared distance between probability and label (Brier 1950); 0…1, .25 for always saying one half.
    public var brierScore: Double
    /// Mean −log of the probability that the right label was given, in nats; a probability of 0 counts as the smallest above it.
    public var logLoss: Double

    /// nil without any.
    ///
    /// - Parameters:
    ///   - labels: true for a fake.
    ///   - probabilities: P(fake), 0…1, as many as labels.
    ///   - bins: how many, at least 1.
    public init?(labels: [Bool], probabilities: [Double], bins count: Int = 10) {
        precondition(labels.count == probabilities.count, "\(labels.count) labels for \(probabilities.count) probabilities")
        precondition(probabilities.allSatisfy { (0...1).contains($0) } && count > 0, "a probability outside 0…1, or no bins")
        guard !labels.isEmpty else { return nil }
        // As numpy's linspace has them, so that what lies on an edge falls to the same side.
        let edges = (0...count).map { $0 == count ? 1 : Double($0) * (1 / Double(count)) }
        var members = [(count: Int, sum: Double, fakes: Int)](repeating: (0, 0, 0), count: count)
        var (squares, loss) = (0.0, 0.0)
        for (isFake, probability) in zip(labels, probabilities) {
            let place = edges[1..<count].firstIndex { $0 >= probability }.map { $0 - 1 } ?? count - 1
            members[place].count += 1
            members[place].sum += probability
            members[place].fakes += isFake ? 1 : 0
            let distance = probability - (isFake ? 1 : 0)
            squares += distance * distance
            let right = isFake ? probability : 1 - probability
            loss -= log(max(right, Double.ulpOfOne))
        }
        let total = Double(labels.count)
        self.bins = members.enumerated().map { place, member in
            let known = member.count > 0
            return Bin(
                low: edges[place], high: edges[place + 1], count: member.count,
                meanProbability: known ? member.sum / Double(member.count) : nil,
                fakeShare: known ? Double(member.fakes) / Double(member.count) : nil)
        }
        expectedCalibrationError = members.reduce(0) { $0 + abs($1.sum - Double($1.fakes)) } / total
        brierScore = squares / total
        logLoss = loss / total
    }
}
