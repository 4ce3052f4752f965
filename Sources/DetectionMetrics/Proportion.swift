/// A share with the counts that it comes from.
public struct Proportion: Sendable, Equatable, Codable {
    public var hits: Int
    public var count: Int

    /// `hits` of `count`, 0 ≤ hits ≤ count.
    public init(hits: Int, count: Int) {
        precondition(hits >= 0 && hits <= count, "\(hits) of \(count)")
        self.hits = hits
        self.count = count
    }

    /// 0…1; nil of none.
    public var rate: Double? { ConfusionMatrix.share(hits, of: count) }

    /// The 95 % interval of Wilson (1927), which does not collapse to a point where all or none are hits; nil of none. It takes the counted for
    /// independent, which clips of one group are not.
    public var interval: (low: Double, high: Double)? {
        guard let rate else { return nil }
        let z = 1.959963984540054, n = Double(count)
        let middle = (rate + z * z / (2 * n)) / (1 + z * z / n)
        let reach = z / (1 + z * z / n) * (rate * (1 - rate) / n + z * z / (4 * n * n)).squareRoot()
        return (hits == 0 ? 0 : middle - reach, hits == count ? 1 : middle + reach)
    }
}
