import Crops
import Foundation

/// What a dataset holds, counted.
public struct DatasetReport: Codable, Sendable, Equatable {
    /// Its name in a dataset's folder.
    public static let fileName = "report.json"

    /// Sources of a kind and their crops.
    public struct Count: Codable, Sendable, Equatable {
        public var name: String
        public var label: CropSource.Label?
        public var clips: Int
        public var stills: Int
        public var crops: Int
        public var groups: Int
    }

    /// How a measure of the crops is spread; all zero without crops.
    public struct Spread: Codable, Sendable, Equatable {
        public var least: Double
        /// A tenth lies below.
        public var low: Double
        public var median: Double
        /// A tenth lies above.
        public var high: Double
        public var most: Double

        init(_ values: [Double]) {
            let sorted = values.sorted()
            func quantile(_ share: Double) -> Double {
                sorted.isEmpty ? 0 : sorted[Int((share * Double(sorted.count - 1)).rounded())]
            }
            (least, low, median, high, most) = (quantile(0), quantile(0.1), quantile(0.5), quantile(0.9), quantile(1))
        }
    }

    public var settings: CropSettings
    public var all: Count
    /// Real, then fake, those that are there.
    public var labels: [Count]
    /// In order of label and name.
    public var methods: [Count]
    /// In order of their names.
    public var groups: [Count]
    /// Longer side of the detector's box in pixels of the source.
    public var facePixels: Spread
    /// Side of the crops, in pixels.
    public var cropPixels: Spread
    /// Mean luma of the faces, 0…255.
    public var luma: Spread
    /// `FaceQuality`'s measure.
    public var sharpness: Spread
    /// Crops that have a mesh.
    public var meshes: Int
    public var skipped: [SkippedSource]

    /// Counts; reads no picture.
    public init(_ dataset: CropDataset) {
        let cropCounts = dataset.cropsBySource().map(\.count)
        func count(_ name: String, label: CropSource.Label? = nil, _ places: [Int]) -> Count {
            let sources = places.map { dataset.sources[$0] }
            return Count(
                name: name, label: label, clips: sources.filter { $0.kind == .clip }.count,
                stills: sources.filter { $0.kind == .still }.count, crops: places.reduce(0) { $0 + cropCounts[$1] },
                groups: Set(sources.map(\.group)).count)
        }
        let places = Array(dataset.sources.indices)
        settings = dataset.settings
        all = count("all", places)
        labels = CropSource.Label.allCases.compactMap { label in
            let held = places.filter { dataset.sources[$0].label == label }
            return held.isEmpty ? nil : count(label.rawValue, label: label, held)
        }
        methods = CropSource.Label.allCases.flatMap { label in
            Dictionary(grouping: places.filter { dataset.sources[$0].label == label }) { dataset.sources[$0].method }
                .sorted { $0.key < $1.key }.map { count($0.key, label: label, $0.value) }
        }
        groups = Dictionary(grouping: places) { dataset.sources[$0].group }.sorted { $0.key < $1.key }.map { count($0.key, $0.value) }
        facePixels = Spread(dataset.crops.map { max($0.box.width, $0.box.height) / $0.scale })
        cropPixels = Spread(dataset.crops.map { Double(max($0.width, $0.height)) })
        luma = Spread(dataset.crops.map(\.meanLuma))
        sharpness = Spread(dataset.crops.map(\.sharpness))
        meshes = dataset.crops.filter { $0.mesh != nil }.count
        skipped = dataset.skipped
    }

    /// As JSON with its keys in order.
    func encoded() throws(CropsError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
        do {
            return Array(try encoder.encode(self)) + [UInt8(ascii: "\n")]
        } catch {
            throw .unwritable(path: Self.fileName, reason: "\(error)")
        }
    }
}

extension DatasetReport {
    /// Rows of groups and of skipped files that are printed before the rest is only counted.
    private static let listed = 12

    /// A table for a terminal. Names come from outside: show them through what makes them printable.
    public var text: String {
        var lines = [Self.row("", ["clips", "stills", "crops", "groups"])]
        for count in [all] + labels { lines.append(Self.row(count)) }
        if methods.contains(where: { $0.label == .fake }) {
            lines.append("methods")
            for count in methods { lines.append(Self.row(count, indent: 2)) }
        }
        lines += groupLines
        lines.append(Self.row("", ["least", "10 %", "median", "90 %", "most"]))
        for (name, spread) in [("face, pixels", facePixels), ("crop, pixels", cropPixels), ("luma", luma), ("sharpness", sharpness)] {
            let values = [spread.least, spread.low, spread.median, spread.high, spread.most]
            lines.append(Self.row(name, values.map { "\(Int($0.rounded()))" }))
        }
        lines.append("meshes for \(meshes) of \(all.crops) crops")
        lines += skippedLines
        for label in CropSource.Label.allCases where !labels.contains(where: { $0.label == label }) {
            lines.append("no \(label.rawValue) source")
        }
        return lines.joined(separator: "\n")
    }

    private var groupLines: [String] {
        let sizes = Spread(groups.map { Double($0.clips + $0.stills) })
        let summary = "groups: \(groups.count), of \(Int(sizes.least)) to \(Int(sizes.most)) sources"
        guard groups.count <= Self.listed else { return [summary] }
        return [summary] + groups.map { Self.row($0, indent: 2) }
    }

    private var skippedLines: [String] {
        guard !skipped.isEmpty else { return [] }
        let rest = skipped.count - Self.listed
        return ["skipped: \(skipped.count)"] + skipped.prefix(Self.listed).map { "  \($0.path): \($0.reason)" }
            + (rest > 0 ? ["  and \(rest) more, which report.json lists"] : [])
    }

    private static func row(_ count: Count, indent: Int = 0) -> String {
        row(String(repeating: " ", count: indent) + count.name, [count.clips, count.stills, count.crops, count.groups].map { "\($0)" })
    }

    private static func row(_ name: String, _ values: [String]) -> String {
        let shown = name.count > 24 ? name.prefix(23) + "…" : name[...]
        let columns = values.map { String(repeating: " ", count: max(1, 9 - $0.count)) + $0 }
        return shown + String(repeating: " ", count: 24 - shown.count) + columns.joined()
    }
}
