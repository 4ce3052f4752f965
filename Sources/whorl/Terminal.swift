import Foundation

/// What the place that text goes to can show.
struct Terminal: Sendable {
    enum Style: String {
        case bold = "1"
        case faint = "2"
        case warm = "31"
        case cool = "36"
        case caution = "33"
    }

    /// True on a terminal, unless NO_COLOR (https://no-color.org) is set.
    let usesColor: Bool
    /// Whether the locale's characters are UTF-8; ASCII is used otherwise.
    let usesUnicode: Bool

    /// What a descriptor leads to.
    init(descriptor: Int32, environment: [String: String] = ProcessInfo.processInfo.environment) {
        let isColorRefused = !(environment["NO_COLOR"] ?? "").isEmpty
        usesColor = Self.isInteractive(descriptor, environment: environment) && !isColorRefused
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap { environment[$0] }.first { !$0.isEmpty } ?? ""
        usesUnicode = ["utf-8", "utf8"].contains { locale.lowercased().contains($0) }
    }

    /// Whether a descriptor leads to a terminal that moves its cursor.
    static func isInteractive(
        _ descriptor: Int32, environment: [String: String] = ProcessInfo.processInfo.environment
    ) -> Bool {
        isatty(descriptor) == 1 && environment["TERM"] != "dumb"
    }

    /// The text in a style, plain where there is no colour.
    func paint(_ text: String, _ styles: Style...) -> String {
        guard usesColor, !styles.isEmpty else { return text }
        return "\u{1B}[\(styles.map(\.rawValue).joined(separator: ";"))m\(text)\u{1B}[0m"
    }

    /// A text from outside without the characters that could command a terminal.
    static func printable(_ text: String) -> String {
        var scalars = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator: scalars.append("?")
            default: scalars.append(scalar)
            }
        }
        return String(scalars)
    }
}

/// Standard error, each text in one write. Where it cannot be written the exit code still tells.
enum StandardError {
    static func write(_ line: String) {
        show(line + "\n")
    }

    static func show(_ text: String) {
        Data(text.utf8).withUnsafeBytes { bytes in
            _ = Foundation.write(STDERR_FILENO, bytes.baseAddress, bytes.count)
        }
    }
}

/// Standard output for bytes.
enum StandardOutput {
    /// Whether all of them were written.
    static func write(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { buffer in
            var rest = buffer[...]
            while !rest.isEmpty {
                let written = Foundation.write(STDOUT_FILENO, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if written < 0 && errno == EINTR { continue }
                if written <= 0 { return false }
                rest = rest.dropFirst(written)
            }
            return true
        }
    }
}

extension Double {
    /// With a fixed count of decimals.
    func text(_ decimals: Int) -> String { String(format: "%.\(decimals)f", self) }

    /// With its sign, also when positive.
    func signedText(_ decimals: Int) -> String { String(format: "%+.\(decimals)f", self) }
}

extension String {
    /// The text with spaces before it, `width` characters in all.
    func padded(left width: Int) -> String {
        String(repeating: " ", count: max(0, width - count)) + self
    }

    /// The text with spaces after it, `width` characters in all.
    func padded(right width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
