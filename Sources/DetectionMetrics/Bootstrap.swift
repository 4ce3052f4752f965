/// How far a figure would move with other data: intervals from drawing the data again with replacement (Efron 1979), by percentiles.
public struct Bootstrap: Sendable, Equatable {
    /// What an interval rests on.
    public struct Interval: Sendable, Equatable, Codable {
        public var low: Double
        public var high: Double
        /// Resamples that it is made from.
        public var resamples: Int
        /// Resamples for which the figure does not exist, such as an area with one label only: left out.
        public var leftOut: Int

        public init(low: Double, high: Double, resamples: Int, leftOut: Int) {
            self.low = low
            self.high = high
            self.resamples = resamples
            self.leftOut = leftOut
        }
    }

    /// Draws of each interval, at least 1.
    public let resamples: Int
    /// Share of the resamples inside, between 0 and 1.
    public let confidence: Double

    /// Fewer usable resamples than this share of them tell more about what was left out than about the figure.
    private static let leastUsable = 0.5

    public init(resamples: Int = 2_000, confidence: Double = 0.95) {
        precondition(resamples > 0 && confidence > 0 && confidence < 1, "\(resamples) resamples at \(confidence)")
        self.resamples = resamples
        self.confidence = confidence
    }

    /// The interval over single items, `count` of them drawn each time from 0..<count.
    ///
    /// - Parameters:
    ///   - generator: a seeded one gives the same interval each time.
    ///   - statistic: the figure of the drawn items, whose indices may repeat; nil where it does not exist.
    /// - Returns: nil without items, or where the figure exists for fewer than half of the resamples.
    public func overItems(
        count: Int, using generator: inout some RandomNumberGenerator, statistic: ([Int]) -> Double?
    ) -> Interval? {
        over(units: (0..<count).map { [$0] }, using: &generator, statistic: statistic)
    }

    /// The interval over groups: as many as there are drawn each time, each with all its items, so that what belongs together moves together.
    ///
    /// - Parameter groups: each item's.
    /// - Returns: nil of fewer than two groups: one tells nothing of how groups differ. Else as `overItems`.
    public func overGroups(
        _ groups: [String], using generator: inout some RandomNumberGenerator, statistic: ([Int]) -> Double?
    ) -> Interval? {
        let units = Dictionary(grouping: groups.indices) { groups[$0] }.sorted { $0.key < $1.key }.map(\.value)
        return units.count > 1 ? over(units: units, using: &generator, statistic: statistic) : nil
    }

    private func over(
        units: [[Int]], using generator: inout some RandomNumberGenerator, statistic: ([Int]) -> Double?
    ) -> Interval? {
        guard !units.isEmpty else { return nil }
        var values: [Double] = []
        var drawn: [Int] = []
        for _ in 0..<resamples {
            drawn.removeAll(keepingCapacity: true)
            for _ in units {
                // The upper half of a 128-bit product: the same draws whatever the standard library does.
                let place = Int(generator.next().multipliedFullWidth(by: UInt64(units.count)).high)
                drawn += units[place]
            }
            if let value = statistic(drawn) { values.append(value) }
        }
        guard Double(values.count) >= Self.leastUsable * Double(resamples) else { return nil }
        values.sort()
        let tail = (1 - confidence) / 2 * 100
        return Interval(
            low: Percentile.ofSorted(values, percent: tail), high: Percentile.ofSorted(values, percent: 100 - tail),
            resamples: values.count, leftOut: resamples - values.count)
    }
}
