/// What the worker must do about an error.
public enum FailureDisposition: String, Sendable, Codable {
    /// Our fault or a passing one: put the job back and try again later.
    case retry
    /// The input's fault: `failed`, for good.
    case refuse
    /// This process cannot go on: hand the job back uncounted and stop.
    case stop
}

/// Why a job did not get its verdict, in a form fit for a client.
public struct JobFailure: Error, Hashable, Sendable, Codable, CustomStringConvertible {
    /// A stable snake_case word that programs may act on, for example `audio_only`.
    public var code: String
    /// What was wrong and what to do, in a sentence or two.
    public var message: String
    /// What the worker does about it; clients see only its outcome, the job's state.
    public var disposition: FailureDisposition

    public init(code: String, message: String, disposition: FailureDisposition) {
        self.code = code
        self.message = message
        self.disposition = disposition
    }

    public var description: String { "\(message) [\(code)]" }
}

/// The part of a failure that is stored on the job and shown to clients.
public struct JobError: Hashable, Sendable, Codable {
    public var code: String
    public var message: String

    private static let maximumCharacters = 2_000

    /// Without control characters, which a decoder or a stranger's server may have said and no database takes, and within bounds.
    public init(code: String, message: String) {
        func plain(_ text: String) -> String {
            String(String.UnicodeScalarView(text.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 }).prefix(Self.maximumCharacters))
        }
        self.code = plain(code)
        self.message = plain(message)
    }

    public init(_ failure: JobFailure) {
        self.init(code: failure.code, message: failure.message)
    }
}
