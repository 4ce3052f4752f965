import Foundation
import DetectionMetrics

/// A table of the page: a caption, headers and rows, and a frame that scrolls by itself where the screen is narrow.
struct ReportTable {
    struct Cell {
        var content: Markup
        var isNumber: Bool
        /// Smaller lines below.
        var sub: String?

        static func text(_ words: String) -> Cell { Cell(content: Markup(words), isNumber: false, sub: nil) }
        static func number(_ words: String, sub: String? = nil) -> Cell { Cell(content: Markup(words), isNumber: true, sub: sub) }

        /// A figure over its interval and counts.
        static func figure(_ figure: Figure?, digits: Int = 2) -> Cell {
            guard let figure else { return .number("–") }
            let ranges = ReportTable.ranges(figure)
            return .number(Display.share(figure.value, digits: digits), sub: ranges.isEmpty ? nil : ranges.joined(separator: "\n"))
        }

        /// A share with its counts and the interval of Wilson.
        static func proportion(_ proportion: Proportion?) -> Cell {
            guard let proportion else { return .number("–") }
            return .number(Display.share(proportion.rate), sub: ReportTable.words(proportion))
        }
    }

    var caption: String
    /// The first column's header and the others', which are right-aligned over numbers.
    var headers: [String]
    var rows: [[Cell]]

    var markup: Markup {
        let head = headers.enumerated().map { place, header in
            Markup.element("th", ["scope": "col", "class": place > 0 && rows.first.map { $0[place].isNumber } ?? false ? "n" : "t"], Markup(header))
        }
        let body = rows.map { row in
            Markup.element("tr", [:], row.enumerated().map { place, cell in
                let content = [cell.content] + (cell.sub?.split(separator: "\n") ?? []).map { .element("span", ["class": "sub"], Markup(String($0))) }
                return place == 0
                    ? .element("th", ["scope": "row"], content) : .element("td", ["class": cell.isNumber ? "n" : "t"], content)
            })
        }
        return .element("div", ["class": "wide", "tabindex": "0", "role": "region", "aria-label": caption], .element("table", [:], [
            .element("caption", [:], Markup(caption)), .element("thead", [:], .element("tr", [:], head)), .element("tbody", [:], body),
        ]))
    }

    /// The two intervals in words.
    static func ranges(_ figure: Figure) -> [String] {
        [("clips", figure.overClips), ("groups", figure.overGroups)].compactMap { name, interval in
            interval.map { "\(Display.share($0.low))–\(Display.share($0.high)) over \(name)" }
        }
    }

    /// Counts, and Wilson's interval, which is there when the drawn ones collapse.
    static func words(_ proportion: Proportion) -> String {
        let interval = proportion.interval.map { ", \(Display.share($0.low))–\(Display.share($0.high))" } ?? ""
        return "\(proportion.hits) of \(proportion.count)\(interval)"
    }

    static func counts(_ figure: Figure) -> String { "\(figure.reals) real, \(figure.fakes) fake" }
}
