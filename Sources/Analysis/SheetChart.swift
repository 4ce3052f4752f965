import JobModel

/// The score over time: a bar a frame, up from the threshold towards `fake` or down towards `real`.
struct SheetChart {
    private static let plotHeight = 150
    private static let axisWidth = 88
    private static let labelHeight = 30
    private static let headHeight = 34

    let verdict: Verdict
    let scenes: [Scene]
    /// From the sheet's left margin, in pixels.
    let width: Int

    var height: Int { scenes.isEmpty ? 0 : Self.headHeight + Self.plotHeight + Self.labelHeight }

    func draw(on canvas: inout Canvas, y top: Int) {
        guard !scenes.isEmpty else { return }
        let left = ContactSheet.margin
        canvas.write("probability of fake, frame by frame", x: left, y: top, scale: 2, Palette.text)
        canvas.write(
            "a bar up speaks for fake, down for real", endingAt: left + width, y: top, scale: 2, Palette.muted)
        let plot = Area(
            x: left + Self.axisWidth, y: top + Self.headHeight,
            width: width - Self.axisWidth, height: Self.plotHeight)
        canvas.fill(plot, Palette.panel)
        drawAxis(on: &canvas, plot)
        let slot = Double(plot.width) / Double(scenes.count)
        let labelEvery = max(1, Int((70 / slot).rounded(.up)))
        for (place, scene) in scenes.enumerated() {
            let center = plot.x + Int((Double(place) + 0.5) * slot)
            drawBar(scene.frame, on: &canvas, plot, center: center, width: min(44, max(3, Int(slot * 0.6))))
            if place % labelEvery == 0 {
                let label = "\(decimal(scene.frame.timestampSeconds, 1)) s"
                canvas.write(
                    label, x: center - BitmapFont.width(of: label), y: plot.bottom + 10, scale: 2, Palette.muted)
            }
        }
        canvas.dashes(x: plot.x, y: row(of: verdict.threshold, plot), width: plot.width, Palette.text)
    }

    private func drawAxis(on canvas: inout Canvas, _ plot: Area) {
        if verdict.abstention.count == 2 {
            let upper = row(of: verdict.abstention[1], plot)
            let lower = row(of: verdict.abstention[0], plot)
            canvas.fill(Area(x: plot.x, y: upper, width: plot.width, height: lower - upper), Palette.line, opacity: 0.45)
        }
        let right = plot.x - 10
        canvas.write("1 fake", endingAt: right, y: plot.y, scale: 2, Palette.warm)
        canvas.write(
            decimal(verdict.threshold, 2), endingAt: right, y: row(of: verdict.threshold, plot) - 7, scale: 2, Palette.text)
        canvas.write("0 real", endingAt: right, y: plot.bottom - 14, scale: 2, Palette.cool)
    }

    private func drawBar(_ frame: Verdict.Frame, on canvas: inout Canvas, _ plot: Area, center: Int, width: Int) {
        let base = row(of: verdict.threshold, plot)
        let end = row(of: frame.probability, plot)
        let ink = Palette.ink(of: frame.probability, threshold: verdict.threshold)
        // A probability at the threshold still gets a mark: an empty place would read as a missing frame.
        let bar = Area(x: center - width / 2, y: min(base, end), width: width, height: max(2, abs(base - end)))
        canvas.fill(bar, ink)
    }

    private func row(of probability: Double, _ plot: Area) -> Int {
        plot.y + Int((1 - min(max(probability, 0), 1)) * Double(plot.height - 1))
    }
}
