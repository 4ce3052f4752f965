import Hummingbird
import JobModel
import JobStore
import NIOCore
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
actor StatusBoard {
    /// The renderings of two generations are kept; when the younger one is full it takes the older one's place.
    private static let generationBytes = 16 << 20
    private static let generationCount = 4096

    private let store: JobStore
    private let metrics: MetricRegistry
    private var young: [JobID: StatusRendering] = [:]
    private var old: [JobID: StatusRendering] = [:]
    private var youngBytes = 0
    private var reading: [JobID: Task<StatusRendering?, any Error>] = [:]

    init(store: JobStore, metrics: MetricRegistry) {
        self.store = store
        self.metrics = metrics
    }

    /// The job as it stands now; nil if the tenant has none of that id.
    nonisolated func rendering(of id: JobID, tenant: Tenant) async throws -> StatusRendering? {
        guard let head = try await store.head(of: id), head.tenant == tenant else { return nil }
        if let known = await known(id, revision: head.revision) { return known }
        return try await read(id, tenant: tenant)
    }

    private func known(_ id: JobID, revision: Int64) -> StatusRendering? {
        if let rendering = young[id] { return rendering.revision == revision ? rendering : nil }
        guard let rendering = old[id], rendering.revision == revision else { return nil }
        keep(rendering)
        return rendering
    }

    private func read(_ id: JobID, tenant: Tenant) async throws -> StatusRendering? {
        if let task = reading[id] { return try await task.value }
        let task = Task { try await readOnce(id, tenant: tenant) }
        reading[id] = task
        return try await task.value
    }

    private func readOnce(_ id: JobID, tenant: Tenant) async throws -> StatusRendering? {
        defer { reading[id] = nil }
        metrics.add(to: .statusQueries)
        guard let status = try await store.status(of: id, tenant: tenant) else { return nil }
        let rendering = StatusRendering(
            status: status, json: ByteBuffer(bytes: try WhorlJSON.encoder().encode(status.withLinks)))
        keep(rendering)
        return rendering
    }

    private func keep(_ rendering: StatusRendering) {
        if youngBytes > Self.generationBytes || young.count >= Self.generationCount {
            old = young
            young = [:]
            youngBytes = 0
        }
        youngBytes += rendering.json.readableBytes - (young[rendering.status.id]?.json.readableBytes ?? 0)
        young[rendering.status.id] = rendering
    }
}
