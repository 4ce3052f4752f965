import Hummingbird
import JobModel
import JobStore
import NIOCore
import Synchronization
import Telemetry

/// A job as it is shown, made once a revision.
struct StatusRendering: Sendable {
    let status: JobStatus
    let json: ByteBuffer

    var revision: Int64 { status.revision }
    var isTerminal: Bool { status.state.isTerminal }
    /// Strong: the same revision has the same bytes.
    var entityTag: String { "\"\(revision)\"" }
}

/// How jobs stand, for many requests: those that ask at one moment share a query for the revisions, and only a revision that was
/// not shown lately is read whole and written as JSON.
final class StatusBoard: Sendable {
    /// The renderings of two generations are kept; when the younger one is full it takes the older one's place.
    private static let generationBytes = 16 << 20
    private static let generationCount = 4096

    private struct State {
        var young: [JobID: StatusRendering] = [:]
        var old: [JobID: StatusRendering] = [:]
        var youngBytes = 0
        var reading: [JobID: Task<StatusRendering?, any Error>] = [:]

        mutating func known(_ id: JobID, revision: Int64) -> StatusRendering? {
            if let rendering = young[id] { return rendering.revision == revision ? rendering : nil }
            guard let rendering = old[id], rendering.revision == revision else { return nil }
            keep(rendering)
            return rendering
        }

        mutating func keep(_ rendering: StatusRendering) {
            if youngBytes > StatusBoard.generationBytes || young.count >= StatusBoard.generationCount {
                old = young
                young = [:]
                youngBytes = 0
            }
            youngBytes += rendering.json.readableBytes - (young[rendering.status.id]?.json.readableBytes ?? 0)
            young[rendering.status.id] = rendering
        }
    }

    private let store: JobStore
    private let metrics: MetricRegistry
    private let state = Mutex(State())

    init(store: JobStore, metrics: MetricRegistry) {
        self.store = store
        self.metrics = metrics
    }

    /// The job as it stands now; nil if the tenant has none of that id.
    func rendering(of id: JobID, tenant: Tenant) async throws -> StatusRendering? {
        guard let head = try await store.head(of: id), head.tenant == tenant else { return nil }
        if let known = state.withLock({ $0.known(id, revision: head.revision) }) { return known }
        let task = state.withLock { state in
            if let task = state.reading[id] { return task }
            let task = Task { try await self.read(id, tenant: tenant) }
            state.reading[id] = task
            return task
        }
        return try await task.value
    }

    private func read(_ id: JobID, tenant: Tenant) async throws -> StatusRendering? {
        defer { state.withLock { $0.reading[id] = nil } }
        metrics.add(to: .statusQueries)
        guard let status = try await store.status(of: id, tenant: tenant) else { return nil }
        let rendering = StatusRendering(
            status: status, json: ByteBuffer(bytes: try WhorlJSON.encoder().encode(status.withLinks)))
        state.withLock { $0.keep(rendering) }
        return rendering
    }
}
