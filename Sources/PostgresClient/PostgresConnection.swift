import Synchronization
import ThreadExecutor

/// One connection to the database, on a thread of its own.
///
/// Calls run one after another. A call whose deadline passes or whose task is cancelled asks the server to cancel the
/// statement; the connection stays usable when the server does so within two seconds. After a lost connection
/// every call throws ``PostgresError/Kind-swift.enum/closed``: make another one, or use a ``PostgresPool``.
public actor PostgresConnection: PostgresQueryable {
    private let executor: ThreadExecutor
    private let configuration: PostgresConfiguration
    private let wait: InterruptibleWait
    private var session: PostgresSession?
    /// The transaction that owns the connection at the moment; calls from any other are refused.
    private var transaction: UInt64?
    private var transactionCount: UInt64 = 0
    private let sharedState = Atomic<State>(.opening)

    /// What others may know of the connection without asking its thread.
    enum State: UInt8, AtomicRepresentable {
        case opening, idle, inTransaction, dead
    }

    public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private init(configuration: PostgresConfiguration, wait: InterruptibleWait) {
        self.configuration = configuration
        self.wait = wait
        executor = ThreadExecutor(name: "postgres")
    }

    /// Connects.
    ///
    /// - Throws: `.configuration` for a wrong URL, `.connection` when the server refuses or cannot be reached,
    ///   `.timeout` after the configured time, `.cancelled`.
    public static func connect(
        _ configuration: PostgresConfiguration
    ) async throws(PostgresError) -> PostgresConnection {
        try await connect(configuration, deadline: .now + configuration.connectTimeout)
    }

    static func connect(
        _ configuration: PostgresConfiguration, deadline: ContinuousClock.Instant
    ) async throws(PostgresError) -> PostgresConnection {
        guard let wait = InterruptibleWait() else {
            throw PostgresError(.connection("the process has no file descriptor left"))
        }
        let connection = PostgresConnection(configuration: configuration, wait: wait)
        try await connection.open(deadline: deadline)
        return connection
    }

    /// Whether calls can still succeed, as far as is known without asking the server.
    public nonisolated var isUsable: Bool { state != .dead }

    nonisolated var state: State { sharedState.load(ordering: .acquiring) }

    public func run(
        _ sql: String, _ parameters: [any PostgresParameter], timeout: Duration?
    ) async throws(PostgresError) -> PostgresResult {
        try await run(sql, parameters, timeout: timeout, in: nil)
    }

    func run(
        _ sql: String, _ parameters: [any PostgresParameter], timeout: Duration?, in transaction: UInt64?
    ) async throws(PostgresError) -> PostgresResult {
        try await perform(timeout: timeout, in: transaction) { (session, call) throws(PostgresError) in
            try session.run(sql, parameters, call)
        }
    }

    /// Runs several statements, separated by semicolons and without parameters. They are one transaction unless they
    /// say otherwise.
    public func executeScript(_ sql: String, timeout: Duration? = nil) async throws(PostgresError) {
        try await executeScript(sql, timeout: timeout, in: nil)
    }

    func executeScript(_ sql: String, timeout: Duration?, in transaction: UInt64?) async throws(PostgresError) {
        try await perform(timeout: timeout, in: transaction) { (session, call) throws(PostgresError) in
            _ = try session.runScript(sql, call)
        }
    }

    /// Begins a transaction, which owns the connection until ``end(_:)``.
    func begin(_ statement: String) async throws(PostgresError) -> UInt64 {
        try await executeScript(statement, timeout: nil)
        transactionCount += 1
        transaction = transactionCount
        return transactionCount
    }

    /// Ends the transaction. Not cancelled by the task's cancellation: whoever has decided to commit gets to know
    /// whether it happened.
    ///
    /// - Throws: also when the server has rolled back instead.
    func commit(_ identity: UInt64) throws(PostgresError) {
        defer { publishState() }
        guard transaction == identity, let session else { throw PostgresError(.closed, sql: "COMMIT") }
        transaction = nil
        let call = BlockingCall(deadline: .now + configuration.statementTimeout)
        let result = try session.runScript("COMMIT", call)
        guard result?.commandTag == "COMMIT" else {
            let message = "the transaction was rolled back, because a statement in it had failed"
            throw PostgresError(.server(PostgresServerError(sqlState: "25P02", message: message)), sql: "COMMIT")
        }
    }

    /// Ends the transaction and undoes it. A connection on which that fails is dead, and the server undoes it then.
    func rollback(_ identity: UInt64) {
        defer { publishState() }
        guard transaction == identity, let session else { return }
        transaction = nil
        do {
            let call = BlockingCall(deadline: .now + configuration.statementTimeout)
            _ = try session.runScript("ROLLBACK", call)
        } catch {
            self.session = nil
        }
    }

    /// Closes the connection. Calls that wait get ``PostgresError/Kind-swift.enum/closed``.
    public func close() {
        session = nil
        publishState()
    }

    private func open(deadline: ContinuousClock.Instant) async throws(PostgresError) {
        defer { publishState() }
        session = try await BlockingCall.run(on: wait, until: deadline) { (call) throws(PostgresError) in
            try PostgresSession.open(configuration, wait: wait, call)
        }
    }

    private func perform<Value>(
        timeout: Duration?, in transaction: UInt64?,
        _ body: (PostgresSession, BlockingCall) throws(PostgresError) -> Value
    ) async throws(PostgresError) -> Value {
        guard let session, !session.isDead, self.transaction == transaction else { throw PostgresError(.closed) }
        defer { publishState() }
        let deadline = ContinuousClock.now + (timeout ?? configuration.statementTimeout)
        return try await BlockingCall.run(on: wait, until: deadline) { (call) throws(PostgresError) in
            try body(session, call)
        }
    }

    private func publishState() {
        if session?.isDead == true { session = nil }
        let state: State = session.map { $0.isInTransaction ? .inTransaction : .idle } ?? .dead
        sharedState.store(state, ordering: .releasing)
    }
}
