import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Closes a connection after an answer that says so, although its request's body is still coming: otherwise a refused client
/// could go on sending for ever.
///
/// Only our half is closed at first. A client that is still sending would get a reset, and lose the answer with it.
final class CloseAfterAnswer: ChannelOutboundHandler, RemovableChannelHandler {
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// How long a refused client has to notice.
    private static let lingerSeconds: Int64 = 2
    private var closes = false

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard closesNow(unwrapOutboundIn(data)) else {
            context.write(data, promise: promise)
            return
        }
        let channel = context.channel
        let written = promise ?? context.eventLoop.makePromise()
        context.writeAndFlush(data, promise: written)
        written.futureResult.whenComplete { _ in
            channel.close(mode: .output, promise: nil)
            channel.eventLoop.scheduleTask(in: .seconds(Self.lingerSeconds)) { channel.close(promise: nil) }
        }
    }

    private func closesNow(_ part: HTTPResponsePart) -> Bool {
        switch part {
        case .head(let head):
            closes = head.headerFields[.connection]?.lowercased() == "close"
            return false
        case .body: return false
        case .end: return closes
        }
    }
}
