import HTTPTypes
import Hummingbird
import JobModel
import NIOCore
import ServiceLifecycle

/// A job's changes as server-sent events (the HTML standard's EventSource): each is the whole job, its id the revision. The stream
/// ends with the job.
struct JobEvents: Sendable {
    /// A line at least so often, so that proxies keep the connection and a client that is gone is noticed.
    private static let keepAlive = Duration.seconds(15)
    /// After this the client comes back by itself, with the last id; so no connection lives for ever.
    private static let lifetime = Duration.seconds(600)

    let gateway: Gateway
    let job: JobID
    let tenant: Tenant

    /// - Throws: a `Problem` before anything is sent.
    func response(to request: Request) async throws -> Response {
        guard let first = try await gateway.board.rendering(of: job, tenant: tenant) else { throw Problem.noJob(job) }
        let known = request.headers[.lastEventID].flatMap(Int64.init)
        // A client that has seen the end is told not to come back (204 does that by the standard).
        if first.isTerminal, known == first.revision { return Response(status: .noContent) }
        return Response(
            status: .ok,
            headers: [.contentType: "text/event-stream; charset=utf-8", .cacheControl: "no-store"],
            body: ResponseBody { writer in
                try await send(to: &writer, after: known)
                try await writer.finish(nil)
            })
    }

    private func send(to writer: inout any ResponseBodyWriter, after known: Int64?) async throws {
        var known = known
        let end = ContinuousClock.now + Self.lifetime
        try await writer.write(ByteBuffer(string: "retry: 1000\n\n"))
        while ContinuousClock.now < end, !Task.isShuttingDownGracefully {
            let rendering: StatusRendering
            do {
                rendering = try await gateway.rendering(of: job, tenant: tenant, until: .now + Self.keepAlive) { $0.revision != known }
            } catch is Problem {
                return try await writer.write(ByteBuffer(string: "event: erased\ndata: {}\n\n"))
            }
            if rendering.revision != known {
                known = rendering.revision
                var event = ByteBuffer(string: "event: status\nid: \(rendering.revision)\ndata: ")
                event.writeImmutableBuffer(rendering.json)
                event.writeString("\n\n")
                try await writer.write(event)
            } else {
                try await writer.write(ByteBuffer(string: ": still here\n\n"))
            }
            if rendering.isTerminal { return }
        }
    }
}
