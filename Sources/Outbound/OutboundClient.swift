import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix

/// Why something was not fetched, or not delivered.
public enum OutboundError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The URL may not be used at all.
    case refused(String)
    /// The other side could not be reached, or broke off.
    case failed(String)

    public var description: String {
        switch self {
        case .refused(let reason), .failed(let reason): reason
        }
    }
}

/// What may be connected to, and for how long.
public struct OutboundPolicy: Hashable, Sendable {
    public var addresses: AddressGuard
    public var ports: Set<Int>
    public var maximumRedirects: Int
    public var connectSeconds: Double
    /// From the first byte to the last.
    public var totalSeconds: Double

    public init(
        addresses: AddressGuard = AddressGuard(), ports: Set<Int> = [80, 443], maximumRedirects: Int = 3, connectSeconds: Double = 10,
        totalSeconds: Double = 30
    ) {
        self.addresses = addresses
        self.ports = ports
        self.maximumRedirects = maximumRedirects
        self.connectSeconds = connectSeconds
        self.totalSeconds = totalSeconds
    }
}

/// What is sent to an address that somebody else chose.
public struct OutboundRequest: Sendable {
    public var method: String
    public var url: String
    public var headers: [(String, String)]
    public var body: [UInt8]?

    public init(method: String = "GET", url: String, headers: [(String, String)] = [], body: [UInt8]? = nil) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
    }
}

/// Speaks HTTP with addresses that strangers choose, and with nothing behind our own walls.
///
/// A name is looked up once, all its addresses must be public, and the connection goes to the one that was checked: so a name that
/// changes its mind in between leads nowhere else. Every redirect is checked as the first address was.
public struct OutboundClient: Sendable {
    public typealias Resolver = @Sendable (_ host: String, _ port: Int) async throws(OutboundError) -> [IPAddress]

    private let policy: OutboundPolicy
    private let resolve: Resolver

    /// - Parameter resolve: how names are looked up; by the system, unless a test says otherwise.
    public init(policy: OutboundPolicy, resolve: @escaping Resolver = OutboundClient.systemResolver) {
        self.policy = policy
        self.resolve = resolve
    }

    /// A URL that passed, and where it leads.
    struct Target: Hashable {
        let url: String
        let scheme: String
        let host: String
        let address: IPAddress
    }

    /// Whether a URL has a form that may be used: told before anybody connects.
    public func check(_ url: String) throws(OutboundError) {
        let parts = try parts(of: url)
        if let literal = IPAddress(parts.host), !policy.addresses.admits(literal) { throw .refused("\(parts.host) is no public address") }
    }

    /// Sends a request and lends the answer to `body`.
    ///
    /// - Parameter body: gets the status, the headers and the bytes as they come.
    /// - Throws: `OutboundError`, or what `body` throws.
    public func send<Value>(
        _ request: OutboundRequest, _ body: (HTTPResponseStatus, HTTPHeaders, HTTPClientResponse.Body) async throws -> Value
    ) async throws -> Value {
        var target = try await target(of: request.url)
        var isFirst = true
        for _ in 0...policy.maximumRedirects {
            let client = client(for: target)
            do {
                var message = HTTPClientRequest(url: target.url)
                message.method = .RAW(value: isFirst ? request.method : "GET")
                for (name, value) in request.headers { message.headers.add(name: name, value: value) }
                if isFirst, let bytes = request.body { message.body = .bytes(ByteBuffer(bytes: bytes)) }
                let response = try await client.execute(message, timeout: .milliseconds(Int64(policy.totalSeconds * 1000)))
                guard (301...308).contains(response.status.code), request.method == "GET",
                    let location = response.headers.first(name: "location")
                else {
                    let value = try await body(response.status, response.headers, response.body)
                    try await client.shutdown()
                    return value
                }
                try await client.shutdown()
                let next = try await self.target(of: Self.absolute(location, from: target.url))
                guard target.scheme == "http" || next.scheme == "https" else {
                    throw OutboundError.refused("it redirects from https to http")
                }
                target = next
                isFirst = false
            } catch let error as OutboundError {
                try? await client.shutdown()
                throw error
            } catch let error as HTTPClientError {
                try? await client.shutdown()
                throw OutboundError.failed("\(target.host) did not answer as HTTP servers do: \(error)")
            } catch let error as NIOConnectionError {
                try? await client.shutdown()
                throw OutboundError.failed("\(target.host) cannot be connected to: \(error.connectionErrors.first.map { "\($0.error)" } ?? "no address")")
            } catch {
                try? await client.shutdown()
                throw error
            }
        }
        throw OutboundError.refused("it redirects more than \(policy.maximumRedirects) times")
    }

    /// A client of this one connection, whose name leads to the checked address alone.
    private func client(for target: Target) -> HTTPClient {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow, timeout: .init(connect: .milliseconds(Int64(policy.connectSeconds * 1000))))
        configuration.dnsOverride = [target.host: target.address.description]
        configuration.connectionPool.retryConnectionEstablishment = false
        // Bytes are counted as they come: a small answer must not become a large one here.
        configuration.decompression = .disabled
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    private func target(of url: String) async throws(OutboundError) -> Target {
        let parts = try parts(of: url)
        let addresses: [IPAddress]
        if let literal = IPAddress(parts.host) { addresses = [literal] } else { addresses = try await resolve(parts.host, parts.port) }
        guard let address = addresses.first else { throw .failed("\(parts.host) has no address") }
        // One that is refused among many would be tried by the next who asks.
        guard addresses.allSatisfy(policy.addresses.admits) else { throw .refused("\(parts.host) is no public address") }
        return Target(url: parts.url, scheme: parts.scheme, host: parts.host, address: address)
    }

    /// A URL taken apart, and written again so that nobody reads another host in it.
    private func parts(of url: String) throws(OutboundError) -> (url: String, scheme: String, host: String, port: Int) {
        guard url.utf8.count <= 2048, url.utf8.allSatisfy({ (33...126).contains($0) && $0 != UInt8(ascii: "\\") }),
            var components = URLComponents(string: url), let scheme = components.scheme?.lowercased(),
            let host = components.percentEncodedHost?.lowercased(), Self.isPlain(host)
        else { throw .refused("that is no URL that can be used") }
        guard ["http", "https"].contains(scheme) else { throw .refused("only http and https are used, not \(scheme.prefix(20))") }
        guard components.user == nil, components.password == nil else { throw .refused("a URL must not have a user in it") }
        let port = components.port ?? (scheme == "https" ? 443 : 80)
        guard policy.ports.contains(port) else { throw .refused("port \(port) is not used; \(policy.ports.sorted().map(String.init).joined(separator: ", ")) are") }
        components.percentEncodedHost = host
        components.fragment = nil
        guard let plain = components.string else { throw .refused("that is no URL that can be used") }
        return (plain, scheme, host, port)
    }

    /// A name of letters, digits, hyphens and dots, or an address.
    private static func isPlain(_ host: String) -> Bool {
        IPAddress(host) != nil || (!host.isEmpty && host.utf8.allSatisfy { byte in
            (97...122).contains(byte) || (48...57).contains(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
        })
    }

    /// A redirect's target (RFC 9110 §10.2.2).
    private static func absolute(_ location: String, from base: String) throws(OutboundError) -> String {
        guard let url = URL(string: location, relativeTo: URL(string: base))?.absoluteURL else {
            throw .refused("it redirects to what is no URL")
        }
        return url.absoluteString
    }

    /// Looks names up as every other program on this machine does.
    public static let systemResolver: Resolver = { host, port throws(OutboundError) in
        let outcome: Result<[IPAddress], OutboundError>
        do {
            outcome = try await NIOThreadPool.singleton.runIfActive { lookUp(host, port) }
        } catch {
            throw .failed("\(host) cannot be looked up: \(error)")
        }
        return try outcome.get()
    }

    private static func lookUp(_ host: String, _ port: Int) -> Result<[IPAddress], OutboundError> {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host, String(port), &hints, &list)
        guard status == 0 else { return .failure(.failed("\(host) cannot be looked up: \(String(cString: gai_strerror(status)))")) }
        defer { freeaddrinfo(list) }
        var addresses: [IPAddress] = []
        var entry = list
        while let current = entry {
            if let address = current.pointee.ai_addr.flatMap({ IPAddress($0) }) { addresses.append(address) }
            entry = current.pointee.ai_next
        }
        return .success(addresses)
    }
}
