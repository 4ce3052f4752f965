import Foundation
import Outbound
import Synchronization
import TestServers
import Testing

@Suite struct OutboundClientTests {
    private static let loopback = AddressGuard(allowed: [IPNetwork("127.0.0.0/8")].compactMap { $0 })

    /// A policy for the stub's port; loopback only where a test says so.
    private func policy(_ server: StubServer, allowsLoopback: Bool = true, redirects: Int = 3) -> OutboundPolicy {
        OutboundPolicy(
            addresses: allowsLoopback ? Self.loopback : AddressGuard(), ports: [server.port], maximumRedirects: redirects,
            connectSeconds: 5, totalSeconds: 5)
    }

    private func get(_ client: OutboundClient, _ url: String) async throws -> (status: Int, body: String) {
        try await client.send(OutboundRequest(url: url)) { status, _, body in
            (Int(status.code), String(buffer: try await body.collect(upTo: 1 << 20)))
        }
    }

    private func refusal(_ body: () async throws -> Void) async -> String? {
        do {
            try await body()
        } catch OutboundError.refused(let reason) {
            return reason
        } catch {
            return nil
        }
        return nil
    }

    @Test func anAllowedAddressIsAsked() async throws {
        let server = try StubServer { _ in .init(200, body: Data("hello".utf8)) }
        let answer = try await get(OutboundClient(policy: policy(server)), server.url + "/x?y=1")
        #expect(answer.status == 200 && answer.body == "hello" && server.requests.map(\.path) == ["/x?y=1"])
    }

    @Test(arguments: [
        "http://127.0.0.1:PORT/", "http://localhost:PORT/", "http://[::1]:PORT/", "http://[::ffff:127.0.0.1]:PORT/", "http://0.0.0.0:PORT/",
        // As the system reads it these are all 127.0.0.1.
        "http://2130706433:PORT/", "http://0x7f000001:PORT/", "http://0177.0.0.1:PORT/", "http://127.1:PORT/", "http://0:PORT/",
    ])
    func nothingOfOursIsReachedByAnyName(form: String) async throws {
        let server = try StubServer { _ in .init(200) }
        let url = form.replacingOccurrences(of: "PORT", with: "\(server.port)")
        let client = OutboundClient(policy: policy(server, allowsLoopback: false))
        await #expect(throws: OutboundError.self) { _ = try await get(client, url) }
        #expect(server.requests.isEmpty)
    }

    @Test(arguments: [
        "ftp://example.org/", "file:///etc/passwd", "gopher://example.org/", "javascript:alert(1)", "//example.org/", "example.org",
        "http://", "http:///x", "http://user:secret@example.org/", "http://user@example.org/", "http://example.org:22/", "http://example.org:6379/",
        "http://exa mple.org/", "http://example.org\\@127.0.0.1/", "http://ex%61mple.org/", "http://example.org/\n", "http://ｅxample.org/",
        "http://example.org:99999/",
    ])
    func wrongURLsAreRefusedBeforeAnybodyConnects(url: String) throws {
        let client = OutboundClient(policy: OutboundPolicy()) { _, _ throws(OutboundError) in throw .failed("nobody is looked up") }
        #expect(throws: OutboundError.self) { try client.check(url) }
    }

    @Test func oneForbiddenAddressAmongManyIsEnough() async throws {
        let client = OutboundClient(policy: OutboundPolicy()) { _, _ in ["8.8.8.8", "10.0.0.1"].compactMap { IPAddress($0) } }
        let reason = await refusal { _ = try await get(client, "http://mixed.test/") }
        #expect(reason?.contains("no public address") == true)
    }

    /// The name is looked up once, and the connection goes where that look led, whatever the name says a moment later.
    @Test func aNameThatChangesItsMindLeadsNowhereElse() async throws {
        let server = try StubServer { _ in .init(200, body: Data("pinned".utf8)) }
        let looks = Mutex(0)
        let client = OutboundClient(policy: policy(server)) { _, _ in
            let number = looks.withLock { looks in
                looks += 1
                return looks
            }
            return [IPAddress(number == 1 ? "127.0.0.1" : "10.0.0.1")].compactMap { $0 }
        }
        // No other resolver knows this name: that the server is reached shows that the connection went to the pinned address.
        let answer = try await get(client, "http://rebinding.test:\(server.port)/")
        #expect(answer.body == "pinned" && looks.withLock { $0 } == 1)
        #expect(server.requests.first?.headers["host"] == "rebinding.test:\(server.port)")
        let reason = await refusal { _ = try await get(client, "http://rebinding.test:\(server.port)/") }
        #expect(reason != nil && server.requests.count == 1)
    }

    @Test func redirectsAreFollowedAndCheckedLikeTheFirst() async throws {
        let target = try StubServer { _ in .init(200, body: Data("there".utf8)) }
        let server = try StubServer { request in
            switch request.path {
            case "/relative": .init(302, headers: ["location": "/end"])
            case "/away": .init(301, headers: ["location": target.url + "/"])
            case "/inside": .init(302, headers: ["location": "http://10.0.0.1/"])
            case "/scheme": .init(302, headers: ["location": "file:///etc/passwd"])
            case "/loop": .init(307, headers: ["location": "/loop"])
            default: .init(200, body: Data("end".utf8))
            }
        }
        let client = OutboundClient(policy: policy(server))
        #expect(try await get(client, server.url + "/relative").body == "end")
        // The other port is not among those that are used.
        for path in ["/away", "/inside", "/scheme", "/loop"] {
            let reason = await refusal { _ = try await get(client, server.url + path) }
            #expect(reason != nil, "\(path)")
        }
        #expect(target.requests.isEmpty)
        let none = OutboundClient(policy: policy(server, redirects: 0))
        #expect(await refusal { _ = try await get(none, server.url + "/relative") } != nil)
    }

    @Test func aBrokenConnectionIsAFailure() async throws {
        let server = try StubServer { _ in .init(200, body: Data(count: 1000), cutAfter: 10) }
        await #expect(throws: (any Error).self) { _ = try await get(OutboundClient(policy: policy(server)), server.url + "/") }
    }
}
