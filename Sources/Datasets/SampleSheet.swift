import Analysis
import Crops
import Video

/// A picture of some of a dataset's crops, for a person who wants to see what was cut out: the box, the five landmarks, the mesh, and what the crop
/// is said to be.
public struct SampleSheet: Sendable {
    /// Its name in a dataset's folder.
    public static let fileName = "samples.jpg"

    private static let columns = 8
    private static let mostCells = 48
    private static let picturePixels = 190
    private static let gap = 8
    private static let captionHeight = 34
    private static let headerHeight = 40
    private static let real = Ink(88, 166, 255)
    private static let fake = Ink(255, 122, 66)
    private static let text = Ink(236, 238, 243)
    private static let muted = Ink(160, 166, 180)
    private static let point = Ink(120, 255, 140)
    private static let landmark = Ink(255, 225, 70)

    private let dataset: CropDataset
    /// Places of the crops that are shown.
    package let places: [Int]

    public init(_ dataset: CropDataset) {
        self.dataset = dataset
        places = Self.choice(dataset)
    }

    /// The sheet; throws what reading a crop throws.
    public func draw() throws(CropsError) -> RGBImage {
        let rows = max(1, (places.count + Self.columns - 1) / Self.columns)
        let cellHeight = Self.picturePixels + Self.captionHeight
        var canvas = Canvas(
            width: Self.columns * (Self.picturePixels + Self.gap) + Self.gap,
            height: Self.headerHeight + rows * (cellHeight + Self.gap) + Self.gap, background: Ink(17, 19, 24))
        let reals = dataset.sources.filter { $0.label == .real }.count
        canvas.write(
            "\(dataset.crops.count) crops of \(reals) real and \(dataset.sources.count - reals) fake sources; \(places.count) of them here",
            x: Self.gap, y: 12, scale: 2, Self.text)
        for (cell, place) in places.enumerated() {
            try draw(
                place, on: &canvas, x: Self.gap + cell % Self.columns * (Self.picturePixels + Self.gap),
                y: Self.headerHeight + cell / Self.columns * (cellHeight + Self.gap))
        }
        return canvas.image
    }

    /// The sheet as a JPEG file.
    func encoded() throws(CropsError) -> [UInt8] {
        let picture = try draw()
        do throws(VideoError) {
            return try JPEGEncoder(quality: 90, chroma: .full).encode(picture)
        } catch {
            throw .unwritable(path: Self.fileName, reason: error.debugDescription)
        }
    }

    private func draw(_ place: Int, on canvas: inout Canvas, x: Int, y: Int) throws(CropsError) {
        let crop = dataset.crops[place], source = dataset.sources[crop.source]
        let picture = try dataset.picture(place)
        let scale = Double(Self.picturePixels) / Double(max(picture.width, picture.height))
        let ink = source.label == .real ? Self.real : Self.fake
        canvas.place(
            picture.resized(
                width: max(1, Int(Double(picture.width) * scale)), height: max(1, Int(Double(picture.height) * scale))), x: x, y: y)
        func pixel(_ value: Double) -> Int { Int((value * scale).rounded()) }
        for point in crop.mesh ?? [] {
            canvas.fill(Area(x: x + pixel(Double(point.x)), y: y + pixel(Double(point.y)), width: 1, height: 1), Self.point)
        }
        for point in crop.landmarks {
            canvas.fill(Area(x: x + pixel(Double(point.x)) - 1, y: y + pixel(Double(point.y)) - 1, width: 3, height: 3), Self.landmark)
        }
        canvas.frame(
            Area(
                x: x + pixel(crop.box.x), y: y + pixel(crop.box.y), width: pixel(crop.box.width), height: pixel(crop.box.height)), ink)
        canvas.write(
            BitmapFont.fitted(source.method, width: Self.picturePixels / 2), x: x, y: y + Self.picturePixels + 3, scale: 2, ink)
        let caption = "\(source.label.rawValue)  \(source.group)  \(crop.width) px"
        canvas.write(
            BitmapFont.fitted(caption, width: Self.picturePixels), x: x, y: y + Self.picturePixels + 23, scale: 1, Self.muted)
    }

    /// Crops of as many labels, methods, groups and sources as there is room for: the kinds take turns, each from sources spread over its own.
    private static func choice(_ dataset: CropDataset) -> [Int] {
        let bySource = dataset.cropsBySource()
        let sources = dataset.sources.indices.filter { !bySource[$0].isEmpty }
        let kinds = Dictionary(grouping: sources) { place in
            let source = dataset.sources[place]
            return "\(source.label == .real ? 0 : 1) \(source.method) \(source.kind.rawValue)"
        }.sorted { $0.key < $1.key }.map(\.value)
        let most = kinds.map { sources in sources.reduce(0) { $0 + bySource[$1].count } }
        var counts = kinds.map { _ in 0 }
        var room = min(mostCells, dataset.crops.count)
        // Rounds, so that a kind with few crops leaves its room to the others.
        while room > 0 {
            for kind in kinds.indices where room > 0 && counts[kind] < most[kind] {
                counts[kind] += 1
                room -= 1
            }
        }
        return kinds.indices.flatMap { spread(kinds[$0], bySource, count: counts[$0]).sorted() }
    }

    /// `count` crops of the sources: as far as it goes one of each, evenly spaced, and in each source another place of its clip.
    private static func spread(_ sources: [Int], _ bySource: [[Int]], count: Int) -> [Int] {
        if count <= sources.count {
            return (0..<count).map { turn in
                let crops = bySource[sources[turn * sources.count / count]]
                return crops[turn * 7 % crops.count]
            }
        }
        let all = sources.flatMap { bySource[$0] }
        return (0..<count).map { all[$0 * all.count / count] }
    }
}
