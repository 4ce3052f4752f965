import JobModel
import Video

/// One picture that tells a whole verdict: label and probability, the score over time, and every sampled frame beside
/// what the network saw of it with its heat. Of several people it shows the one who decided, and names the others.
public struct ContactSheet: Sendable {
    /// The sheet's width in pixels; its height follows from the number and the shape of the frames.
    public static let width = 1360

    static let margin = 28
    static let gap = 24
    private static let heroGap = 36

    private let title: String

    /// - Parameter title: heads the sheet; the clip's file name.
    public init(title: String) {
        self.title = title
    }

    /// Draws the sheet. Words and lengths say what colours say, so that it can be read without telling them apart.
    public func draw(_ analysis: ClipAnalysis) -> RGBImage {
        let track = analysis.verdict.decidingTrack ?? analysis.verdict.tracks.first
        let scenes = track.map { Scene.scenes(of: $0, in: analysis) } ?? []
        let hero = SheetHero(scenes: scenes)
        let room = Self.width - 2 * Self.margin
        let left = hero.width > 0 ? room - hero.width - Self.heroGap : room
        let header = SheetHeader(title: title, verdict: analysis.verdict, width: left)
        let chart = SheetChart(verdict: analysis.verdict, scenes: scenes, width: left)
        let grid = SheetGrid(verdict: analysis.verdict, range: track?.gradcamRange ?? [0, 0], scenes: scenes)

        let chartTop = Self.margin + max(header.height + Self.gap, hero.height - chart.height)
        let gridTop = max(chartTop + chart.height, Self.margin + hero.height) + Self.gap
        var canvas = Canvas(
            width: Self.width, height: gridTop + grid.height + Self.margin, background: Palette.background)
        header.draw(on: &canvas, y: Self.margin)
        hero.draw(on: &canvas, y: Self.margin)
        chart.draw(on: &canvas, y: chartTop)
        grid.draw(on: &canvas, y: gridTop)
        return canvas.image
    }
}

/// A frame's numbers with its pictures: of a whole frame without and with its heat; of a face the frame with the face's place and heat, and the
/// face with its heat, large.
struct Scene: Sendable {
    var frame: Verdict.Frame
    var picture: RGBImage
    var heated: RGBImage

    static func scenes(of track: Verdict.Track, in analysis: ClipAnalysis) -> [Scene] {
        let evidence = analysis.evidence.filter { $0.track == track.track }
        return track.frames.compactMap { frame in
            evidence.first { $0.frame == frame.index }.map {
                Scene(
                    frame: frame, picture: $0.face == nil ? $0.picture : analysis.overlay(of: $0), heated: analysis.closeUp(of: $0))
            }
        }
    }
}

/// The sheet's colours: dark, so that the heat is what shines.
enum Palette {
    static let background = Ink(17, 19, 24)
    static let panel = Ink(29, 32, 40)
    static let line = Ink(70, 75, 88)
    static let text = Ink(236, 238, 243)
    static let muted = Ink(160, 166, 180)
    static let warm = Ink(255, 122, 66)
    static let cool = Ink(88, 166, 255)
    static let caution = Ink(255, 205, 70)

    static func ink(of label: Verdict.Label) -> Ink {
        switch label {
        case .fake: warm
        case .real: cool
        case .uncertain: caution
        }
    }

    /// The side of the threshold that a probability lies on.
    static func ink(of probability: Double, threshold: Double) -> Ink {
        probability >= threshold ? warm : cool
    }
}
