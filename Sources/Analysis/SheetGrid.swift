import JobModel
import Video

/// The frames, four pairs a row: as they are and with their heat, and the colour scale that all share.
struct SheetGrid {
    private static let columns = 4
    private static let columnGap = 16
    private static let pairGap = 4
    private static let padding = 6
    private static let captionHeight = 42
    private static let legendHeight = 46
    private static let pictureMaximumHeight = 270

    private let verdict: Verdict
    private let overlay: HeatOverlay
    private let scale: Double
    private let scenes: [Scene]
    private let loudest: Int?
    private let cellWidth: Int
    private let pictureWidth: Int
    private let pictureHeight: Int

    init(verdict: Verdict, range: [Double], scenes: [Scene]) {
        self.verdict = verdict
        self.scenes = scenes
        let (low, high) = (range.first ?? 0, range.last ?? 0)
        overlay = HeatOverlay(low: low, high: high)
        scale = max(abs(low), abs(high))
        loudest = scenes.max { $0.frame.contribution < $1.frame.contribution }?.frame.index
        let room = ContactSheet.width - 2 * ContactSheet.margin - (Self.columns - 1) * Self.columnGap
        cellWidth = room / Self.columns
        pictureWidth = (cellWidth - 2 * Self.padding - Self.pairGap) / 2
        let shape = scenes.first.map {
            max(Double($0.picture.height) / Double($0.picture.width), Double($0.heated.height) / Double($0.heated.width))
        } ?? 1
        pictureHeight = min(Self.pictureMaximumHeight, max(24, Int(Double(pictureWidth) * shape)))
    }

    private var cellHeight: Int { pictureHeight + Self.captionHeight + 2 * Self.padding }
    private var rowCount: Int { (scenes.count + Self.columns - 1) / Self.columns }

    var height: Int {
        scenes.isEmpty ? 0 : Self.legendHeight + rowCount * cellHeight + (rowCount - 1) * Self.columnGap
    }

    func draw(on canvas: inout Canvas, y: Int) {
        guard !scenes.isEmpty else { return }
        drawLegend(on: &canvas, y: y)
        for (place, scene) in scenes.enumerated() {
            let cell = Area(
                x: ContactSheet.margin + place % Self.columns * (cellWidth + Self.columnGap),
                y: y + Self.legendHeight + place / Self.columns * (cellHeight + Self.columnGap),
                width: cellWidth, height: cellHeight)
            draw(scene, on: &canvas, cell)
        }
    }

    private func draw(_ scene: Scene, on canvas: inout Canvas, _ cell: Area) {
        let frame = scene.frame
        let ink = Palette.ink(of: frame.probability, threshold: verdict.threshold)
        canvas.fill(cell, Palette.panel)
        let inner = cell.inset(by: Self.padding)
        for (picture, x) in [(scene.picture, inner.x), (scene.heated, inner.x + pictureWidth + Self.pairGap)] {
            let size = picture.fitted(width: pictureWidth, height: pictureHeight)
            canvas.place(
                picture.resized(width: size.width, height: size.height),
                x: x + (pictureWidth - size.width) / 2, y: inner.y + (pictureHeight - size.height) / 2)
        }
        let caption = inner.y + pictureHeight + 9
        canvas.write("\(frame.index)", x: inner.x, y: caption, scale: 2, Palette.text)
        canvas.write("\(decimal(frame.timestampSeconds, 2)) s", x: inner.x + 44, y: caption, scale: 2, Palette.muted)
        canvas.write("P \(decimal(frame.probability, 3))", endingAt: inner.right, y: caption, scale: 2, Palette.text)

        let bar = Area(x: inner.x, y: inner.bottom - 9, width: inner.width, height: 7)
        canvas.fill(bar, Palette.line)
        let share = min(max(frame.probability, 0), 1)
        canvas.fill(Area(x: bar.x, y: bar.y, width: Int(share * Double(bar.width)), height: bar.height), ink)
        let tick = bar.x + Int(verdict.threshold * Double(bar.width))
        canvas.fill(Area(x: tick - 1, y: bar.y - 3, width: 2, height: bar.height + 6), Palette.text)

        if frame.index == loudest {
            canvas.frame(cell, Palette.text, thickness: 3)
        } else if frame.probability >= verdict.threshold {
            canvas.frame(cell, ink, thickness: 2)
        }
    }

    private func drawLegend(on canvas: inout Canvas, y: Int) {
        var x = canvas.write("heat: speaks for real", x: ContactSheet.margin, y: y + 8, scale: 2, Palette.cool) + 12
        x = canvas.write(significant(-scale), x: x, y: y + 8, scale: 2, Palette.muted) + 8
        let width = 361
        // Over a middle grey, as the heat lies over a picture: nothing shows at zero there either.
        let ground = Ink(112, 112, 112)
        for column in 0..<width {
            let value = Float((Double(column) / Double(width - 1) * 2 - 1) * scale)
            let paint = overlay.paint(of: value)
            let stripe = Area(x: x + column, y: y + 4, width: 1, height: 22)
            canvas.fill(stripe, ground)
            let color = (paint.color * 255).rounded(.toNearestOrEven)
            canvas.fill(stripe, Ink(UInt8(color.x), UInt8(color.y), UInt8(color.z)), opacity: paint.opacity)
        }
        canvas.fill(Area(x: x + width / 2, y: y, width: 1, height: 30), Palette.text)
        x = canvas.write(significant(scale), x: x + width + 10, y: y + 8, scale: 2, Palette.muted) + 8
        canvas.write("speaks for fake", x: x, y: y + 8, scale: 2, Palette.warm)
        canvas.write(
            "white frame: most suspicious", endingAt: ContactSheet.width - ContactSheet.margin, y: y + 8, scale: 2,
            Palette.muted)
    }
}
