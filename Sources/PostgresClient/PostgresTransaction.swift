/// A transaction under way; see ``PostgresConnection/withTransaction(level:isReadOnly:isolation:_:)``.
///
/// After its end every call throws ``PostgresError/Kind-swift.enum/closed``.
public struct PostgresTransaction: PostgresQueryable {
    private let connection: PostgresConnection
    private let identity: UInt64

    init(connection: PostgresConnection, identity: UInt64) {
        self.connection = connection
        self.identity = identity
    }

    public func run(
        _ sql: String, _ parameters: [any PostgresParameter], timeout: Duration?
    ) async throws(PostgresError) -> PostgresResult {
        try await connection.run(sql, parameters, timeout: timeout, in: identity)
    }

    /// Runs several statements, separated by semicolons and without parameters.
    public func executeScript(_ sql: String, timeout: Duration? = nil) async throws(PostgresError) {
        try await connection.executeScript(sql, timeout: timeout, in: identity)
    }
}

/// How far a transaction is kept apart from others (PostgreSQL manual, "Transaction Isolation").
public enum PostgresIsolationLevel: String, Sendable {
    case readCommitted = "READ COMMITTED"
    case repeatableRead = "REPEATABLE READ"
    case serializable = "SERIALIZABLE"
}

extension PostgresConnection {
    /// Runs `body` in a transaction: COMMIT when it returns, ROLLBACK when it throws. Never runs it twice; a
    /// serialization failure is thrown and says that it is retryable.
    ///
    /// COMMIT and ROLLBACK run even when the task is cancelled.
    ///
    /// - Throws: what `body` throws, or a ``PostgresError``.
    @discardableResult
    public func withTransaction<Value>(
        level: PostgresIsolationLevel = .readCommitted,
        isReadOnly: Bool = false,
        isolation: isolated (any Actor)? = #isolation,
        _ body: (PostgresTransaction) async throws -> Value
    ) async throws -> Value {
        let identity = try await begin("BEGIN ISOLATION LEVEL \(level.rawValue)\(isReadOnly ? " READ ONLY" : "")")
        let value: Value
        do {
            value = try await body(PostgresTransaction(connection: self, identity: identity))
        } catch {
            await rollback(identity)
            throw error
        }
        try await commit(identity)
        return value
    }
}
