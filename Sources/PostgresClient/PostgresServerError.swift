import CLibpq

/// What the server said when it refused a statement: the fields of its ErrorResponse (PostgreSQL manual, "Error and
/// Notice Message Fields").
public struct PostgresServerError: Sendable, Equatable {
    /// `ERROR`, `FATAL` or `PANIC`.
    public let severity: String
    /// Five characters; see the manual's appendix "PostgreSQL Error Codes".
    public let sqlState: String
    /// In the server's language.
    public let message: String
    /// May hold values of the row concerned.
    public let detail: String?
    /// What the server suggests.
    public let hint: String?
    /// The constraint that the statement would have broken.
    public let constraint: String?
    /// The table concerned, where the error is about one.
    public let table: String?
    /// The column concerned, where the error is about one.
    public let column: String?
    /// The function of PostgreSQL's source that raised the error.
    let sourceFunction: String?

    /// Reads the fields of a failed result.
    init(result: OpaquePointer) {
        func field(_ code: Character) -> String? {
            guard let ascii = code.asciiValue, let text = PQresultErrorField(result, Int32(ascii)) else { return nil }
            return String(cString: text)
        }
        severity = field("V") ?? "ERROR"
        // libpq makes results of its own for a lost connection, and those have no code: 08006 is connection_failure.
        sqlState = field("C") ?? "08006"
        message = field("M") ?? String(cString: PQresultErrorMessage(result)).trimmingTrailingNewlines()
        detail = field("D")
        hint = field("H")
        constraint = field("n")
        table = field("t")
        column = field("c")
        sourceFunction = field("R")
    }

    init(sqlState: String, message: String) {
        severity = "ERROR"
        self.sqlState = sqlState
        self.message = message
        detail = nil
        hint = nil
        constraint = nil
        table = nil
        column = nil
        sourceFunction = nil
    }

    /// The session ends with this error.
    var endsSession: Bool { severity == "FATAL" || severity == "PANIC" }

    /// A cached plan no longer fits the schema, or the prepared statement is gone: nothing was executed, and
    /// preparing anew helps.
    var isStalePreparedStatement: Bool {
        (sqlState == "0A000" && sourceFunction == "RevalidateCachedQuery") || sqlState == "26000"
    }

    /// Classes and codes that go away by themselves: lost connections, serialization failures and deadlocks, missing
    /// resources, shutdown and crash recovery, lock timeouts, and a standby that has not been promoted yet.
    var isRetryable: Bool {
        switch sqlState {
        case "40001", "40P01", "55P03", "57P01", "57P02", "57P03", "25006": true
        default: sqlState.hasPrefix("08") || sqlState.hasPrefix("53") || isStalePreparedStatement
        }
    }
}

extension PostgresServerError: CustomStringConvertible, CustomDebugStringConvertible {
    public var description: String {
        let suffix = constraint.map { ", constraint \($0)" } ?? ""
        return "the database refused a statement (SQLSTATE \(sqlState)\(suffix))"
    }

    public var debugDescription: String {
        var text = "\(severity) \(sqlState): \(message)"
        if let detail { text += "; detail: \(detail)" }
        if let hint { text += "; hint: \(hint)" }
        if let table { text += "; table: \(table)" }
        if let column { text += "; column: \(column)" }
        return text
    }
}

extension String {
    func trimmingTrailingNewlines() -> String {
        var text = self
        while text.last?.isNewline == true { text.removeLast() }
        return text
    }
}
