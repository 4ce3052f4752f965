/// Order statistics.
public enum Percentile {
    /// The value below which `percent` (0…100) of the sorted values lie, with straight lines between them (numpy's default); nil without values.
    public static func of(_ values: [Double], percent: Double) -> Double? {
        precondition((0...100).contains(percent) && !values.contains(where: \.isNaN), "a percentile of \(percent), or NaN among the values")
        guard !values.isEmpty else { return nil }
        return ofSorted(values.sorted(), percent: percent)
    }

    /// The middle value, or the mean of the two in the middle.
    public static func median(_ values: [Double]) -> Double? { of(values, percent: 50) }

    static func ofSorted(_ sorted: [Double], percent: Double) -> Double {
        let place = percent / 100 * Double(sorted.count - 1)
        let lower = Int(place), upper = min(lower + 1, sorted.count - 1)
        // Equal neighbours give themselves, infinities too.
        guard sorted[lower] != sorted[upper] else { return sorted[lower] }
        return sorted[lower] + (sorted[upper] - sorted[lower]) * (place - Double(lower))
    }
}
