import CLibpq
import ThreadExecutor

extension PostgresSession {
    /// Connects.
    ///
    /// - Throws: `.configuration`, `.connection`, `.timeout` or `.cancelled`.
    static func open(
        _ configuration: PostgresConfiguration, wait: InterruptibleWait, _ call: BlockingCall
    ) throws(PostgresError) -> PostgresSession {
        guard let connection = try ConnectionParameters(configuration).start() else {
            throw PostgresError(.connection("out of memory"))
        }
        do {
            try establish(connection, wait, call)
        } catch {
            PQfinish(connection)
            throw error
        }
        return PostgresSession(
            connection: connection, wait: wait, statementCacheSize: configuration.statementCacheSize)
    }

    /// Does what libpq asks for until it says that the connection stands.
    private static func establish(
        _ connection: OpaquePointer, _ wait: InterruptibleWait, _ call: BlockingCall
    ) throws(PostgresError) {
        guard PQstatus(connection) != CONNECTION_BAD else { throw refused(connection) }
        // Before its first answer libpq waits to write.
        var events: InterruptibleWait.Events = .writable
        while true {
            // libpq may change the socket between two steps.
            switch wait.wait(for: PQsocket(connection), events, until: call.deadline) {
            case .ready: break
            case .timedOut: throw PostgresError(.timeout)
            case .woken:
                if call.isCancelled { throw PostgresError(.cancelled) }
                continue
            }
            switch PQconnectPoll(connection) {
            case PGRES_POLLING_OK: return
            case PGRES_POLLING_READING: events = .readable
            case PGRES_POLLING_WRITING: events = .writable
            default: throw refused(connection)
            }
        }
    }

    private static func refused(_ connection: OpaquePointer) -> PostgresError {
        PostgresError(.connection(String(cString: PQerrorMessage(connection)).trimmingTrailingNewlines()))
    }
}
