/// One thing that can be set: its key, what values it takes and what it means.
public struct Setting: Sendable, Hashable {
    /// What values a setting takes; bounds are inclusive.
    public enum Kind: Sendable, Hashable {
        case text
        case integer(ClosedRange<Int>)
        case number(ClosedRange<Double>)
        case choice([String])
        case flag
    }

    /// Dotted, camelCase, for example `http.port`; flag `--http-port`, environment `WHORL_HTTP_PORT`.
    public let key: String
    public let kind: Kind
    /// For example `seconds` or `bytes`; nil where the value has none.
    public let unit: String?
    /// As it would be typed; nil means that the setting must be given.
    public let defaultValue: String?
    /// One line for `--help`.
    public let help: String
    /// Never printed when true.
    public let isSecret: Bool

    public init(
        _ key: String, _ kind: Kind, unit: String? = nil, default defaultValue: String?, isSecret: Bool = false,
        help: String
    ) {
        self.key = key
        self.kind = kind
        self.unit = unit
        self.defaultValue = defaultValue
        self.isSecret = isSecret
        self.help = help
    }

    /// `--http-port` for `http.port`.
    public var flagName: String {
        "--" + words.joined(separator: "-")
    }

    /// `WHORL_HTTP_PORT` for `http.port`.
    public var environmentName: String {
        (["WHORL"] + words.map { $0.uppercased() }).joined(separator: "_")
    }

    private var words: [String] {
        key.split(separator: ".").flatMap { component in
            component.reduce(into: [""]) { words, character in
                if character.isUppercase { words.append("") }
                words[words.count - 1].append(contentsOf: character.lowercased())
            }
        }
    }

    /// The values it takes, in words.
    var valuesDescription: String {
        let values = switch kind {
        case .text: "text"
        case .integer(let range): "\(range.lowerBound) to \(range.upperBound)"
        case .number(let range): "\(range.lowerBound) to \(range.upperBound)"
        case .choice(let choices): choices.joined(separator: " | ")
        case .flag: "true | false"
        }
        return unit.map { "\(values) \($0)" } ?? values
    }
}

/// A value that cannot be used, or a name that does not exist: one line that says which and what to do.
public struct SettingsError: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) {
        self.description = description
    }
}
