import CLibpq
import ThreadExecutor

/// One libpq connection and the calls on it. Everything here blocks its thread, so it lives inside of a
/// ``PostgresConnection``, on that actor's own thread.
final class PostgresSession {
    /// How long a cancelled statement may take to end before its connection is given up.
    private static let cancelGrace: Duration = .seconds(2)

    private let connection: OpaquePointer
    private let wait: InterruptibleWait
    private var statements: StatementCache
    private(set) var isDead = false

    /// Takes over an established connection.
    init(connection: OpaquePointer, wait: InterruptibleWait, statementCacheSize: Int) {
        self.connection = connection
        self.wait = wait
        statements = StatementCache(capacity: statementCacheSize)
        // Calls then never wait in libpq itself, where no deadline reaches.
        PQsetnonblocking(connection, 1)
        // libpq would print notices to standard error.
        PQsetNoticeProcessor(connection, { _, _ in }, nil)
    }

    deinit {
        PQfinish(connection)
    }

    var isInTransaction: Bool { PQtransactionStatus(connection) != PQTRANS_IDLE }

    /// Runs one statement, preparing it first where it is new.
    func run(
        _ sql: String, _ parameters: [any PostgresParameter], _ call: BlockingCall
    ) throws(PostgresError) -> PostgresResult {
        try checkSQL(sql)
        let encoder = try PostgresEncoder(parameters)
        let key = StatementCache.Key(sql: sql, types: encoder.fields.map(\.type))
        do {
            return try runPrepared(key, encoder, call)
        } catch {
            guard case .server(let serverError) = error.kind, serverError.isStalePreparedStatement else { throw error }
            statements.remove(key)
            // Nothing was executed. Inside of a transaction the error has ended it, so the caller has to know.
            guard !isDead, !isInTransaction else { throw error }
            return try runPrepared(key, encoder, call)
        }
    }

    /// Runs several statements at once, as one implicit transaction unless they say otherwise.
    func runScript(_ sql: String, _ call: BlockingCall) throws(PostgresError) -> ResultStorage? {
        try checkSQL(sql)
        return try perform(sql, call) { PQsendQuery(connection, sql) }
    }

    private func checkSQL(_ sql: String) throws(PostgresError) {
        guard !sql.utf8.contains(0) else {
            throw PostgresError(.invalidParameter("the SQL holds a NUL character"))
        }
    }

    private func runPrepared(
        _ key: StatementCache.Key, _ encoder: PostgresEncoder, _ call: BlockingCall
    ) throws(PostgresError) -> PostgresResult {
        let name = if let known = statements.name(for: key) { known } else { try prepare(key, call) }
        let storage = try perform(key.sql, call) {
            encoder.withPointers { values, lengths, formats in
                PQsendQueryPrepared(connection, name, Int32(values.count), values, lengths, formats, 1)
            }
        }
        guard let storage else {
            throw PostgresError(.connection("the server sent no result"), sql: key.sql, outcomeIsUnknown: true)
        }
        return PostgresResult(storage: storage)
    }

    private func prepare(_ key: StatementCache.Key, _ call: BlockingCall) throws(PostgresError) -> String {
        if let evicted = statements.evictIfFull() {
            _ = try perform(key.sql, call) { PQsendQuery(connection, "DEALLOCATE \(evicted)") }
        }
        let name = statements.makeName()
        let types = key.types.map(\.oid)
        _ = try perform(key.sql, call) { PQsendPrepare(connection, name, key.sql, Int32(types.count), types) }
        statements.insert(name: name, for: key)
        return name
    }

    /// Sends by `send`, then waits for all results.
    ///
    /// - Returns: the last result. The first error is thrown instead.
    private func perform(
        _ sql: String, _ call: BlockingCall, send: () -> Int32
    ) throws(PostgresError) -> ResultStorage? {
        do throws(PostgresError) {
            guard !isDead else { throw PostgresError(.closed) }
            if call.isCancelled { throw PostgresError(.cancelled) }
            if call.isOverdue { throw PostgresError(.timeout) }
            guard send() == 1 else { throw lost(outcomeIsUnknown: false) }
            try flush(call)
            return try collect(sql, call)
        } catch {
            throw error.with(sql: sql)
        }
    }

    /// Sends what libpq has buffered. An interruption here leaves half a message behind, so it ends the connection.
    private func flush(_ call: BlockingCall) throws(PostgresError) {
        while true {
            let status = PQflush(connection)
            if status == 0 { return }
            guard status == 1 else { throw lost(outcomeIsUnknown: true) }
            switch wait.wait(for: PQsocket(connection), [.readable, .writable], until: call.deadline) {
            case .ready(let events):
                // The server may send before it reads on; unless we read, both would wait for ever.
                if events.contains(.readable), PQconsumeInput(connection) != 1 { throw lost(outcomeIsUnknown: true) }
            case .woken:
                if call.isCancelled { throw abandon(.cancelled) }
            case .timedOut:
                throw abandon(.timeout)
            }
        }
    }

    private func collect(_ sql: String, _ call: BlockingCall) throws(PostgresError) -> ResultStorage? {
        var interruption: Interruption?
        var last: ResultStorage?
        var failure: PostgresServerError?
        while true {
            while PQisBusy(connection) != 0 {
                try awaitInput(call, &interruption)
                guard PQconsumeInput(connection) == 1 else { break }
            }
            guard let pointer = PQgetResult(connection) else { break }
            let result = ResultStorage(taking: pointer, sql: sql)
            switch PQresultStatus(pointer) {
            case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY:
                last = result
            case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
                isDead = true
                throw PostgresError(.invalidParameter("COPY is not supported"))
            default:
                failure = failure ?? PostgresServerError(result: pointer)
            }
        }
        return try conclude(last, failure, interruption)
    }

    /// Waits for the server. Once the call is over its deadline or cancelled, asks the server to cancel the statement
    /// and allows it ``cancelGrace`` to do so.
    private func awaitInput(_ call: BlockingCall, _ interruption: inout Interruption?) throws(PostgresError) {
        while true {
            let deadline = interruption?.deadline ?? call.deadline
            let reason: PostgresError.Kind
            switch wait.wait(for: PQsocket(connection), until: deadline) {
            case .ready:
                return
            case .woken:
                guard interruption == nil, call.isCancelled else { continue }
                reason = .cancelled
            case .timedOut:
                if let interruption { throw abandon(interruption.reason) }
                reason = .timeout
            }
            interruption = Interruption(
                reason: reason,
                deadline: .now + Self.cancelGrace,
                request: CancelRequest(connection: connection))
        }
    }

    /// Decides what a call whose results are all here has come to.
    private func conclude(
        _ last: ResultStorage?, _ failure: PostgresServerError?, _ interruption: Interruption?
    ) throws(PostgresError) -> ResultStorage? {
        if PQstatus(connection) == CONNECTION_BAD || failure?.endsSession == true {
            let message = String(cString: PQerrorMessage(connection)).trimmingTrailingNewlines()
            isDead = true
            // A FATAL error is an answer: the statement did not take effect.
            if let failure, failure.endsSession { throw PostgresError(.server(failure)) }
            throw PostgresError(interruption?.reason ?? .connection(message), outcomeIsUnknown: true)
        }
        if let interruption {
            settle(interruption)
            let wasCancelled = failure?.sqlState == "57014"
            if wasCancelled || (failure == nil && PQtransactionStatus(connection) == PQTRANS_INERROR) {
                throw PostgresError(interruption.reason)
            }
        }
        if let failure { throw PostgresError(.server(failure)) }
        return last
    }

    /// Makes sure that the cancel request cannot hit a later statement: waits until it was delivered, then lets an
    /// empty query take the blow, should it come late.
    private func settle(_ interruption: Interruption) {
        guard !isDead, interruption.request.waitUntilDelivered(until: interruption.deadline) else {
            isDead = true
            return
        }
        do {
            _ = try runScript("", BlockingCall(deadline: .now + Self.cancelGrace))
        } catch {
            guard error.sqlState == "57014" else {
                isDead = true
                return
            }
        }
    }

    private func abandon(_ reason: PostgresError.Kind) -> PostgresError {
        isDead = true
        return PostgresError(reason, outcomeIsUnknown: true)
    }

    private func lost(outcomeIsUnknown: Bool) -> PostgresError {
        isDead = true
        let message = String(cString: PQerrorMessage(connection)).trimmingTrailingNewlines()
        return PostgresError(.connection(message), outcomeIsUnknown: outcomeIsUnknown)
    }
}

/// Why a call is being ended early, and how far that has come.
private struct Interruption {
    let reason: PostgresError.Kind
    let deadline: ContinuousClock.Instant
    let request: CancelRequest
}

extension PostgresEncoder {
    /// Lends the parameters as libpq wants them.
    func withPointers(
        _ body: ([UnsafePointer<CChar>?], [Int32], [Int32]) -> Int32
    ) -> Int32 {
        bytes.withUnsafeBytes { buffer in
            let values = fields.map { field -> UnsafePointer<CChar>? in
                guard let range = field.range, let base = buffer.baseAddress else { return nil }
                return (base + range.lowerBound).assumingMemoryBound(to: CChar.self)
            }
            let lengths = fields.map { Int32($0.range?.count ?? 0) }
            let formats = fields.map { Int32($0.type == .unspecified ? 0 : 1) }
            return body(values, lengths, formats)
        }
    }
}
