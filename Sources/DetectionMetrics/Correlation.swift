/// How far two lists of numbers rise and fall together.
public enum Correlation {
    /// Pearson's coefficient, −1…1; nil of fewer than two pairs or where one list is constant.
    public static func pearson(_ first: [Double], _ second: [Double]) -> Double? {
        precondition(first.count == second.count, "\(first.count) values beside \(second.count)")
        guard first.count > 1, let a = first.first, let b = second.first else { return nil }
        // By the values, not by the sum of squares, which rounding keeps from being 0.
        guard first.contains(where: { $0 != a }), second.contains(where: { $0 != b }) else { return nil }
        let n = Double(first.count)
        let meanA = first.reduce(0, +) / n, meanB = second.reduce(0, +) / n
        var (products, squaresA, squaresB) = (0.0, 0.0, 0.0)
        for (x, y) in zip(first, second) {
            products += (x - meanA) * (y - meanB)
            squaresA += (x - meanA) * (x - meanA)
            squaresB += (y - meanB) * (y - meanB)
        }
        guard squaresA > 0, squaresB > 0 else { return nil }
        return min(1, max(-1, products / (squaresA.squareRoot() * squaresB.squareRoot())))
    }

    /// Spearman's rank correlation, −1…1: Pearson's of the ranks, equal values sharing the mean of theirs; nil where Pearson's is.
    public static func spearman(_ first: [Double], _ second: [Double]) -> Double? {
        pearson(ranks(first), ranks(second))
    }

    /// From 1; equal values share the mean of their places.
    static func ranks(_ values: [Double]) -> [Double] {
        let order = values.indices.sorted { values[$0] < values[$1] }
        var ranks = [Double](repeating: 0, count: values.count)
        var start = 0
        while start < order.count {
            var end = start + 1
            while end < order.count, values[order[end]] == values[order[start]] { end += 1 }
            for place in start..<end { ranks[order[place]] = Double(start + end + 1) / 2 }
            start = end
        }
        return ranks
    }
}
