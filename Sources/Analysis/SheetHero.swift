import Video

/// The frame that speaks loudest for `fake`, large and with its heat: where to look first.
struct SheetHero {
    private static let maximumWidth = 440
    private static let maximumHeight = 400
    private static let textScale = 2
    private static let lineHeight = BitmapFont.height * textScale + 6

    private let scene: Scene?
    private let size: (width: Int, height: Int)
    private let captions: [String]
    /// Of picture and caption, whichever is wider; 0 when nothing was judged.
    let width: Int
    let height: Int

    init(scenes: [Scene]) {
        scene = scenes.max { $0.frame.contribution < $1.frame.contribution }
        guard let scene else {
            (size, captions, width, height) = ((0, 0), [], 0, 0)
            return
        }
        size = scene.heated.fitted(width: Self.maximumWidth, height: Self.maximumHeight)
        captions = [
            "most suspicious frame: no. \(scene.frame.index)",
            "at \(decimal(scene.frame.timestampSeconds, 2)) s, P \(decimal(scene.frame.probability, 3))",
        ]
        let textWidth = captions.map { BitmapFont.width(of: $0) * Self.textScale }.max() ?? 0
        width = max(size.width, textWidth)
        height = size.height + 10 + captions.count * Self.lineHeight
    }

    func draw(on canvas: inout Canvas, y: Int) {
        guard let scene else { return }
        let right = ContactSheet.width - ContactSheet.margin
        let area = Area(x: right - size.width, y: y, width: size.width, height: size.height)
        canvas.place(scene.heated.resized(width: size.width, height: size.height), x: area.x, y: area.y)
        canvas.frame(area, Palette.text, thickness: 2)
        for (row, caption) in captions.enumerated() {
            let top = area.bottom + 10 + row * Self.lineHeight
            canvas.write(caption, endingAt: right, y: top, scale: Self.textScale, row == 0 ? Palette.text : Palette.muted)
        }
    }
}

extension RGBImage {
    /// The size with this picture's shape that just fits, each side at least 1.
    func fitted(width limit: Int, height heightLimit: Int) -> (width: Int, height: Int) {
        let ratio = min(Double(limit) / Double(width), Double(heightLimit) / Double(height))
        return (max(1, Int(Double(width) * ratio)), max(1, Int(Double(height) * ratio)))
    }
}
