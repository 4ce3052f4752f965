import Hummingbird
import JobModel
import Logging
import NIOCore
import Telemetry

/// What goes with a request through the gateway.
public struct GatewayContext: RequestContext {
    public var coreContext: CoreRequestContextStorage
    let remoteAddress: SocketAddress?
    let channel: any Channel
    /// Set by `AuthenticationMiddleware`.
    var caller: Caller?
    /// The request's id, in logs, problems and `X-Request-Id`.
    private(set) var requestID: String

    public init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
        remoteAddress = source.channel.remoteAddress
        requestID = source.logger[metadataKey: "hb.request.id"]?.description ?? JobID.make().description
        rename(requestID)
    }

    /// Takes a client's or proxy's own id for the request.
    mutating func rename(_ id: String) {
        requestID = id
        logger[metadataKey: "hb.request.id"] = nil
        logger[metadataKey: LogField.request] = "\(id)"
    }


    /// Whose rows this request may see.
    ///
    /// - Throws: a `Problem` when nobody was identified: a mistake of ours, and then nothing may be shown.
    var tenant: Tenant {
        get throws {
            guard let caller else { throw Problem(.unauthenticated, "no key was checked for this request") }
            return caller.tenant
        }
    }
}
