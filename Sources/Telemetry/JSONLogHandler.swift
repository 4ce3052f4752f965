import Foundation
import Logging

/// Writes each log record as one JSON object a line, so that log collectors need no parser of their own.
public struct JSONLogHandler: LogHandler {
    public var logLevel: Logger.Level
    public var metadata: Logger.Metadata = [:]
    public var metadataProvider: Logger.MetadataProvider?
    private let label: String
    private let write: @Sendable (Data) -> Void

    /// - Parameter write: takes one whole line with its newline; standard error by default, one write(2) a line.
    public init(
        label: String, level: Logger.Level,
        write: @escaping @Sendable (Data) -> Void = JSONLogHandler.writeToStandardError
    ) {
        self.label = label
        self.logLevel = level
        self.write = write
    }

    /// A full disk or a closed pipe behind standard error must not end the program: the record is lost then.
    public static func writeToStandardError(_ line: Data) {
        line.withUnsafeBytes { bytes in
            _ = Foundation.write(STDERR_FILENO, bytes.baseAddress, bytes.count)
        }
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        var record: [String: JSONValue] = [
            "time": .text(Date().formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))),
            "level": .text(event.level.rawValue),
            "logger": .text(label),
            "message": .text(event.message.description),
        ]
        var merged = metadata
        merged.merge(metadataProvider?.get() ?? [:]) { _, new in new }
        merged.merge(event.metadata ?? [:]) { _, new in new }
        for (key, value) in merged where record[key] == nil {
            record[key] = JSONValue(value)
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            write(try encoder.encode(record) + Data("\n".utf8))
        } catch {
            write(Data("{\"level\":\"error\",\"message\":\"a log record could not be encoded\"}\n".utf8))
        }
    }
}

/// A metadata value as JSON.
private enum JSONValue: Encodable {
    case text(String)
    case list([JSONValue])
    case object([String: JSONValue])

    init(_ value: Logger.Metadata.Value) {
        switch value {
        case .string(let text): self = .text(text)
        case .stringConvertible(let value): self = .text(value.description)
        case .array(let values): self = .list(values.map(JSONValue.init))
        case .dictionary(let members): self = .object(members.mapValues(JSONValue.init))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .text(let text): try container.encode(text)
        case .list(let values): try container.encode(values)
        case .object(let members): try container.encode(members)
        }
    }
}
