import HTTPTypes
import NIOCore
import NIOHTTPTypes
import Telemetry

/// Counts a connection, and closes it after an answer that says so, although its request's body is still coming: otherwise a
/// refused client could go on sending for ever.
///
/// Only our half is closed at first. A client that is still sending would get a reset, and lose the answer with it.
final class ConnectionHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
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
        case .end where closes: endAndClose(context, data, promise)
        case .body, .end: context.write(data, promise: promise)
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
