import Foundation

/// A piece of a page that is well-formed XML as well as HTML: every text is escaped, every element closed.
struct Markup: Sendable, ExpressibleByStringLiteral, ExpressibleByStringInterpolation {
    let text: String

    /// Text for people.
    init(_ plain: String) { text = Self.escaped(plain) }

    init(stringLiteral value: String) { self.init(value) }

    private init(markup: String) { text = markup }

    /// An element with its attributes, in the order given, and what is in it.
    static func element(_ name: String, _ attributes: KeyValuePairs<String, String> = [:], _ children: [Markup] = []) -> Markup {
        let head = attributes.reduce(name) { "\($0) \($1.key)=\"\(escaped($1.value))\"" }
        if children.isEmpty, voidNames.contains(name) { return Markup(markup: "<\(head)/>") }
        return Markup(markup: "<\(head)>\(children.map(\.text).joined())</\(name)>")
    }

    static func element(_ name: String, _ attributes: KeyValuePairs<String, String> = [:], _ child: Markup) -> Markup {
        element(name, attributes, [child])
    }

    /// One after the other.
    static func list(_ parts: [Markup]) -> Markup { Markup(markup: parts.map(\.text).joined()) }

    /// A style sheet, which must hold no character that XML takes for its own.
    static func style(_ css: String) -> Markup {
        precondition(!css.contains { "<&".contains($0) }, "a style sheet with markup")
        return Markup(markup: "<style>\(css)</style>")
    }

    /// The elements that have no end in HTML; others may be empty and are closed all the same.
    private static let voidNames: Set = ["meta", "img", "br", "hr", "col", "line", "path", "rect", "circle", "polyline", "polygon"]

    private static func escaped(_ plain: String) -> String {
        var out = ""
        for scalar in plain.unicodeScalars {
            switch scalar {
            case "&": out += "&amp;"
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            case "\"": out += "&quot;"
            // What XML has no way to say: a file's name may hold anything.
            case "\u{0}"..<"\u{9}", "\u{B}", "\u{C}", "\u{E}"..<" ", "\u{FFFE}", "\u{FFFF}": out += "\u{FFFD}"
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }
}

/// Numbers as the page writes them.
enum Display {
    /// Two decimals without the zero before them, as the field writes areas: `.87`.
    static func share(_ value: Double?, digits: Int = 2) -> String {
        guard let value else { return "–" }
        let text = String(format: "%.\(digits)f", abs(value))
        let bare = text.hasPrefix("0.") ? String(text.dropFirst()) : text
        return value < 0 && bare.contains { $0 != "." && $0 != "0" } ? "−\(bare)" : bare
    }

    static func number(_ value: Double?, digits: Int = 2) -> String {
        guard let value else { return "–" }
        return String(format: "%.\(digits)f", value).replacingOccurrences(of: "-", with: "−")
    }

    /// A small number such as 3.1e−06.
    static func scientific(_ value: Double) -> String { String(format: "%.1e", value).replacingOccurrences(of: "-", with: "−") }

    static func bits(_ value: Double?) -> String {
        guard let value else { return "–" }
        return value >= 1e6 ? String(format: "%.1f Mbit/s", value / 1e6) : String(format: "%.0f kbit/s", value / 1e3)
    }
}
