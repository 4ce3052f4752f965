import Analysis
import DetectionMetrics

/// How far a map of evidence lies where a fake was blended: for clips whose masks are known.
public struct MapOverlap: Codable, Sendable, Equatable {
    /// Maps that were held against a mask that is neither empty nor full.
    public var count: Int
    /// Mean share of the positive heat that lies on the mask, 0…1; nil where no map has any.
    public var heatInside: Double?
    /// Mean share of the picture that the mask covers: what heat without aim would have inside.
    public var maskShare: Double?
    /// Mean Spearman correlation of the map's cells with the mask's mean over each cell.
    public var rankCorrelation: Double?
    /// Mean area of telling cells that are mostly mask from the others by their heat; .5 is chance.
    public var cellArea: Double?

    /// - Parameters:
    ///   - maps: over the whole of the network's input each; positive speaks for fake.
    ///   - masks: as many, each `side` × `side` values 0…1 over the same picture, row by row.
    public init(maps: [HeatMap], masks: [[Float]], side: Int) {
        precondition(maps.count == masks.count && masks.allSatisfy { $0.count == side * side }, "\(masks.count) masks for \(maps.count) maps")
        var (inside, shares, correlations, areas): ([Double], [Double], [Double], [Double]) = ([], [], [], [])
        for (map, mask) in zip(maps, masks) {
            let cells = Self.cells(of: mask, side: side, map: map)
            let share = cells.reduce(0, +) / Double(cells.count)
            guard share > 0, share < 1 else { continue }
            let heat = map.values.map { Double(max(0, $0)) }
            let sum = heat.reduce(0, +)
            shares.append(share)
            if sum > 0 { inside.append(zip(heat, cells).reduce(0) { $0 + $1.0 * $1.1 } / sum) }
            let values = map.values.map(Double.init)
            if let correlation = Correlation.spearman(values, cells) { correlations.append(correlation) }
            if let curve = ROCCurve(labels: cells.map { $0 >= 0.5 }, scores: values) { areas.append(curve.area) }
        }
        count = shares.count
        maskShare = Self.mean(shares)
        heatInside = Self.mean(inside)
        rankCorrelation = Self.mean(correlations)
        cellArea = Self.mean(areas)
    }

    /// The mask's mean over each cell of the map.
    private static func cells(of mask: [Float], side: Int, map: HeatMap) -> [Double] {
        var sums = [Double](repeating: 0, count: map.width * map.height), counts = sums
        for y in 0..<side {
            for x in 0..<side {
                let cell = (y * map.height / side) * map.width + x * map.width / side
                sums[cell] += Double(mask[y * side + x])
                counts[cell] += 1
            }
        }
        return zip(sums, counts).map { $1 > 0 ? $0 / $1 : 0 }
    }

    private static func mean(_ values: [Double]) -> Double? {
        values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    }
}
