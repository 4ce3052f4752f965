/// Why a call to the database failed.
///
/// ``description`` may be shown to a client. ``debugDescription`` adds what libpq and the server said and the SQL, but
/// never a parameter's value; a server's `detail` may hold values of the row concerned.
public struct PostgresError: Error, Sendable, Equatable {
    /// The kinds of failure.
    public enum Kind: Sendable, Equatable {
        /// The server cannot be reached, or the connection was lost. The text is libpq's.
        case connection(String)
        /// The server refused the statement.
        case server(PostgresServerError)
        /// The call's deadline passed. The statement was cancelled or its connection closed.
        case timeout
        /// The calling task was cancelled. The statement was cancelled or its connection closed.
        case cancelled
        /// No connection became free in time, or too many callers wait for one already.
        case poolExhausted
        /// The pool or connection was closed, or the transaction has ended.
        case closed
        /// A column is missing, NULL, or of another type than asked for.
        case decoding(String)
        /// A parameter or the SQL cannot be sent; nothing was.
        case invalidParameter(String)
        /// The URL or a setting is wrong.
        case configuration(String)
    }

    /// What kind of failure it is.
    public let kind: Kind
    /// The statement, without its parameters.
    public let sql: String?
    /// Whether the statement was sent and no answer to it came: it may have taken effect.
    public let outcomeIsUnknown: Bool

    /// An error of this kind.
    public init(_ kind: Kind, sql: String? = nil, outcomeIsUnknown: Bool = false) {
        self.kind = kind
        self.sql = sql
        self.outcomeIsUnknown = outcomeIsUnknown
    }

    /// The server's five-character code, such as `23505`.
    public var sqlState: String? {
        if case .server(let error) = kind { error.sqlState } else { nil }
    }

    /// The name of the constraint that the statement would have broken.
    public var constraintName: String? {
        if case .server(let error) = kind { error.constraint } else { nil }
    }

    /// Whether the same work may succeed when it is tried again later. Says nothing about whether trying again is
    /// safe: see ``outcomeIsUnknown``.
    public var isRetryable: Bool {
        switch kind {
        case .connection, .timeout, .poolExhausted: true
        case .server(let error): error.isRetryable
        case .cancelled, .closed, .decoding, .invalidParameter, .configuration: false
        }
    }

    func with(sql: String) -> PostgresError {
        PostgresError(kind, sql: self.sql ?? sql, outcomeIsUnknown: outcomeIsUnknown)
    }
}

extension PostgresError: CustomStringConvertible, CustomDebugStringConvertible {
    public var description: String {
        switch kind {
        case .connection: "the database cannot be reached"
        case .server(let error): error.description
        case .timeout: "the database did not answer in time"
        case .cancelled: "the call to the database was cancelled"
        case .poolExhausted: "all database connections are busy"
        case .closed: "the database connection is closed"
        case .decoding: "the database returned something unexpected"
        case .invalidParameter: "a value cannot be stored in the database"
        case .configuration: "the database is not configured correctly"
        }
    }

    public var debugDescription: String {
        var text = description
        switch kind {
        case .connection(let detail), .decoding(let detail), .invalidParameter(let detail), .configuration(let detail):
            text += ": \(detail)"
        case .server(let error):
            text += ": \(error.debugDescription)"
        case .timeout, .cancelled, .poolExhausted, .closed:
            break
        }
        if outcomeIsUnknown { text += " (outcome unknown)" }
        if let sql { text += " [SQL: \(sql)]" }
        return text
    }
}
