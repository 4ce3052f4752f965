import JobModel

/// The top of a contact sheet: what was found, in what, and by what.
struct SheetHeader {
    private struct Line {
        var text: String
        var ink: Ink
        /// Rows of empty space above.
        var space: Int
    }

    private static let titleScale = 4
    private static let labelScale = 6
    private static let textScale = 2
    private static let lineHeight = BitmapFont.height * textScale + 6
    private static let badgeTop = 58
    private static let badgeHeight = BitmapFont.ascent * labelScale + 28
    private static let linesTop = badgeTop + badgeHeight + 22

    private let title: String
    private let verdict: Verdict
    private let width: Int
    private let lines: [Line]
    let height: Int

    init(title: String, verdict: Verdict, width: Int) {
        self.title = title
        self.verdict = verdict
        self.width = width
        lines = Self.lines(verdict, width: width)
        height = lines.reduce(Self.linesTop) { $0 + Self.lineHeight + $1.space }
    }

    func draw(on canvas: inout Canvas, y: Int) {
        let x = ContactSheet.margin
        canvas.write(
            BitmapFont.fitted(title, width: width / Self.titleScale), x: x, y: y, scale: Self.titleScale, Palette.text)
        drawBadge(on: &canvas, x: x, y: y + Self.badgeTop)
        var top = y + Self.linesTop
        for line in lines {
            top += line.space
            canvas.write(line.text, x: x, y: top, scale: Self.textScale, line.ink)
            top += Self.lineHeight
        }
    }

    private func drawBadge(on canvas: inout Canvas, x: Int, y: Int) {
        let word = verdict.label.rawValue.uppercased()
        let ink = Palette.ink(of: verdict.label)
        let width = BitmapFont.width(of: word) * Self.labelScale + 40
        let badge = Area(x: x, y: y, width: width, height: Self.badgeHeight)
        canvas.fill(badge, ink)
        canvas.write(word, x: x + 20, y: y + 14, scale: Self.labelScale, Palette.background)
        let after = badge.right + 28
        guard let probability = verdict.probability else {
            canvas.write("nothing was judged", x: after, y: y + 25, scale: 3, Palette.text)
            return
        }
        canvas.write("probability of fake", x: after, y: y + 2, scale: 2, Palette.muted)
        canvas.write(decimal(probability, 3), x: after, y: y + 30, scale: 5, Palette.text)
    }

    private static func lines(_ verdict: Verdict, width: Int) -> [Line] {
        var lines: [Line] = []
        func add(_ text: String, _ ink: Ink, space: Int = 0) {
            for (index, part) in text.wrapped(width: width / textScale).enumerated() {
                lines.append(Line(text: part, ink: ink, space: index == 0 ? space : 0))
            }
        }
        if !verdict.model.trained {
            add("UNTRAINED MODEL: its weights are random, this verdict means nothing", Palette.caution)
        }
        for reason in verdict.reasons where reason != .untrainedModel {
            add("uncertain because \(reason.explanation)", Palette.caution)
        }
        if let deciding = verdict.decidingTrack, !verdict.otherPeople.isEmpty {
            add("face \(deciding.track) decides, judged in \(deciding.frames.count) of \(verdict.sampling.request.count) frames", Palette.text)
        }
        for line in verdict.otherPeople { add(line, Palette.muted) }
        for warning in verdict.warnings {
            add("note: \(Verdict.explanation(ofWarning: warning))", Palette.text)
        }
        let model = verdict.model
        add(
            "model \(model.name), version \(model.version)\(model.trained ? "" : " (untrained)"), \(model.sha256.prefix(12))…",
            Palette.text, space: lines.isEmpty ? 0 : 8)
        let video = verdict.video
        add(
            "\(video.codec), \(video.width)×\(video.height), \(decimal(video.durationSeconds, 2)) s, \(video.frameCount) frames, "
                + "\(verdict.sampling.request.count) sampled", Palette.muted)
        add("sha256 \(video.sha256.prefix(32))…", Palette.muted)
        return lines
    }
}

extension String {
    /// The text broken at spaces into lines no wider than `width` at scale 1; a word too long for a line is broken.
    func wrapped(width: Int) -> [String] {
        var lines: [String] = []
        var line = ""
        for word in split(separator: " ") {
            let longer = line.isEmpty ? String(word) : "\(line) \(word)"
            if BitmapFont.width(of: longer) <= width {
                line = longer
                continue
            }
            if !line.isEmpty { lines.append(line) }
            line = ""
            for character in word {
                if BitmapFont.width(of: line + String(character)) > width, !line.isEmpty {
                    lines.append(line)
                    line = ""
                }
                line.append(character)
            }
        }
        return line.isEmpty ? lines : lines + [line]
    }
}
