import HTTPTypes
import JobModel
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import Telemetry

/// Counts a connection, and closes it after an answer that says so, although its request's body is still coming: otherwise a
/// refused client could go on sending for ever.
///
/// Only our half is closed at first. A client that is still sending would get a reset, and lose the answer with it.
///
/// What cannot be read as a request at all is answered here, since no route ever hears of it.
final class ConnectionHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// How long a refused client has to notice.
    private static let lingerSeconds: Int64 = 2

    private let metrics: MetricRegistry
    private let drain: Drain
    private var closes = false
    /// An HTTP/2 stream: it has a connection of its own above it, and no field may speak of that.
    private var isStream = false
    private var isCounted = false
    /// Requests that began and were not answered to the end.
    private var openRequests = 0
    private var isInBody = false
    /// What came after the open requests and is none.
    private var unreadable: HTTPParserError?

    init(metrics: MetricRegistry, drain: Drain) {
        self.metrics = metrics
        self.drain = drain
    }

    func handlerAdded(context: ChannelHandlerContext) {
        isStream = context.channel.parent?.parent != nil
        if context.channel.isActive { count() }
    }

    func channelActive(context: ChannelHandlerContext) {
        count()
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        if isCounted { metrics.add(-1, to: .httpConnections) }
        isCounted = false
        context.fireChannelInactive()
    }

    private func count() {
        guard !isCounted, !isStream else { return }
        isCounted = true
        metrics.add(to: .httpConnections)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head: (openRequests, isInBody) = (openRequests + 1, true)
        case .body: break
        case .end: isInBody = false
        }
        context.fireChannelRead(data)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A body that breaks off is its request's matter.
        guard let error = error as? HTTPParserError, !isStream, !isInBody else { return context.fireErrorCaught(error) }
        guard unreadable == nil, !closes else { return }
        unreadable = error
        if openRequests == 0 { refuse(context, error) }
    }

    private func refuse(_ context: ChannelHandlerContext, _ error: HTTPParserError) {
        let problem = error == .headerOverflow
            ? Problem(.headersTooLarge, "the request has too many header fields, or too large ones")
            : Problem(.requestMalformed, "that is not a request of HTTP/1.1: \(error)")
        let requestID = JobID.make().description
        // A status without its words tells enough, should they not be had.
        let body = ByteBuffer(string: (try? problem.json(instance: "", requestID: requestID)) ?? "")
        let head = HTTPResponse(
            status: problem.status,
            headerFields: [
                .contentType: "application/problem+json", .contentLength: String(body.readableBytes), .connection: "close",
                .requestID: requestID,
            ])
        metrics.add(to: .httpProblems, [problem.type.rawValue])
        metrics.add(to: .httpRequests, ["other", "none", String(problem.status.code)])
        closes = true
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(body)), promise: nil)
        endAndClose(context, wrapOutboundOut(.end(nil)), nil)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(var head):
            closes = head.headerFields[.connection]?.lowercased() == "close"
            if isStream {
                head.headerFields[.connection] = nil
            } else if drain.hasBegun, head.status.kind != .informational {
                // The client opens its next connection elsewhere.
                head.headerFields[.connection] = "close"
                closes = true
            }
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .body: context.write(data, promise: promise)
        case .end:
            openRequests -= 1
            if closes { return endAndClose(context, data, promise) }
            context.write(data, promise: promise)
            if openRequests == 0, let unreadable { refuse(context, unreadable) }
        }
    }

    private func endAndClose(_ context: ChannelHandlerContext, _ data: NIOAny, _ promise: EventLoopPromise<Void>?) {
        let channel = context.channel
        let written = promise ?? context.eventLoop.makePromise()
        let isStream = isStream
        context.writeAndFlush(data, promise: written)
        written.futureResult.whenComplete { _ in
            if !isStream { channel.close(mode: .output, promise: nil) }
            channel.eventLoop.scheduleTask(in: .seconds(Self.lingerSeconds)) { channel.close(promise: nil) }
        }
    }
}
