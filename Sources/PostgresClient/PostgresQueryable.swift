/// Something that runs statements: a pool, a connection, a transaction. Code written against this does not care which.
public protocol PostgresQueryable: Sendable {
    /// Runs one statement.
    ///
    /// - Parameters:
    ///   - sql: one statement with `$1`, `$2`, … for the parameters. Each connection prepares it once and keeps it.
    ///   - timeout: nil stands for the configured one.
    func run(
        _ sql: String, _ parameters: [any PostgresParameter], timeout: Duration?
    ) async throws(PostgresError) -> PostgresResult
}

extension PostgresQueryable {
    /// Runs one statement and returns its rows.
    @discardableResult
    public func query(
        _ sql: String, _ parameters: [any PostgresParameter] = [], timeout: Duration? = nil
    ) async throws(PostgresError) -> PostgresResult {
        try await run(sql, parameters, timeout: timeout)
    }

    /// Runs one statement and returns how many rows it concerned.
    @discardableResult
    public func execute(
        _ sql: String, _ parameters: [any PostgresParameter] = [], timeout: Duration? = nil
    ) async throws(PostgresError) -> Int {
        try await run(sql, parameters, timeout: timeout).affectedRows
    }
}
