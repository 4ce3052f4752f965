import AsyncHTTPClient
import Foundation
import JWTKit
import JobModel
import Logging
import NIOCore
import NIOFoundationCompat
import Telemetry

/// How bearer tokens of an OpenID Connect provider are checked.
struct TokenPolicy: Hashable, Sendable {
    /// The `iss` that a token must have, and where its provider's description is found.
    var issuer: String
    /// One of the token's `aud`.
    var audience: String
    /// Where the keys are; nil: where the provider's description says.
    var keysURL: String?
    /// The claim that names the tenant.
    var tenantClaim: String
    /// The claim that lists the scopes, as words in a text or as an array.
    var scopeClaim: String
    /// Clocks differ by this much.
    var leewaySeconds: Double = 30
}

/// Checks bearer tokens against the provider's keys, which are fetched when they are needed and again when a token names one
/// that is not known: so a rotation needs no restart.
actor TokenVerifier {
    /// Whoever makes up key ids must not make us ask the provider each time.
    private static let refetchInterval = Duration.seconds(10)
    private static let maximumDocumentBytes = 1 << 20
    private static let maximumTokenBytes = 16_384

    private struct KeySet {
        let collection: JWTKeyCollection
        let ids: Set<String>
        let fetchedAt: ContinuousClock.Instant
    }

    private let policy: TokenPolicy
    private let refreshAfter: Duration
    private let client: HTTPClient
    private let logger: Logger
    private var keys: KeySet?
    private var lastTry: ContinuousClock.Instant?
    private var fetching: Task<KeySet, any Error>?

    /// - Parameter refreshSeconds: keys older than this are fetched anew, so that a withdrawn one stops working.
    init(policy: TokenPolicy, refreshSeconds: Double, client: HTTPClient, logger: Logger) {
        self.policy = policy
        refreshAfter = .seconds(refreshSeconds)
        self.client = client
        self.logger = logger
    }

    /// The caller that a token names; nil for one that is not valid here.
    ///
    /// - Throws: a `Problem` when the provider cannot be asked.
    func caller(for token: String) async throws -> Caller? {
        guard token.utf8.count <= Self.maximumTokenBytes, let header = Self.header(of: token), let id = header.kid else { return nil }
        let keys = try await keys(knowing: id)
        guard keys.ids.contains(id) else { return nil }
        let claims: Claims
        do {
            // The collection checks the signature with the named key, whose own algorithm counts, and never `none`.
            claims = try await keys.collection.verify(token, as: Claims.self)
        } catch {
            logger.debug("a token is not valid", metadata: [LogField.error: "\(String(reflecting: error))"])
            return nil
        }
        return caller(claims)
    }

    private func caller(_ claims: Claims, now: Date = Date()) -> Caller? {
        guard claims.issuer == policy.issuer, claims.audience.contains(policy.audience), let subject = claims.subject,
            let expiry = claims.expiry, expiry.timeIntervalSince(now) > -policy.leewaySeconds,
            claims.notBefore.map({ $0.timeIntervalSince(now) <= policy.leewaySeconds }) ?? true,
            let name = claims.texts[policy.tenantClaim]?.first, let tenant = Tenant(checked: name)
        else { return nil }
        let words = (claims.texts[policy.scopeClaim] ?? []).flatMap { $0.split(separator: " ") }
        return Caller(
            tenant: tenant, scopes: Set(words.compactMap { Scope(rawValue: String($0)) }), identity: "token:" + subject,
            requestsPerSecond: nil)
    }

    private static func header(of token: String) -> Header? {
        guard let part = token.split(separator: ".", omittingEmptySubsequences: false).first,
            let data = Data(base64URL: part)
        else { return nil }
        return try? JSONDecoder().decode(Header.self, from: data)
    }

    private struct Header: Decodable {
        let kid: String?
    }

    private func keys(knowing id: String) async throws -> KeySet {
        if let keys {
            let isFresh = keys.fetchedAt.duration(to: .now) < refreshAfter
            if isFresh, keys.ids.contains(id) || !mayFetch { return keys }
            // Old keys are better than none for as long as the provider is away and they are not too old.
            if !mayFetch, keys.fetchedAt.duration(to: .now) < refreshAfter * 4 { return keys }
        } else if !mayFetch, fetching == nil {
            throw unavailable
        }
        do {
            return try await fetchShared()
        } catch {
            logger.error("the tokens' issuer does not give its keys", metadata: [LogField.error: "\(String(reflecting: error))"])
            if let keys, keys.fetchedAt.duration(to: .now) < refreshAfter * 4 { return keys }
            throw unavailable
        }
    }

    private var mayFetch: Bool { lastTry.map { $0.duration(to: .now) >= Self.refetchInterval } ?? true }

    private var unavailable: Problem {
        Problem(
            .tokenIssuerUnavailable, "the issuer of the tokens cannot be reached, so that yours cannot be checked; try again",
            retryAfterSeconds: 10, closesConnection: true)
    }

    private func fetchShared() async throws -> KeySet {
        if let fetching { return try await fetching.value }
        lastTry = .now
        let task = Task { try await fetch() }
        fetching = task
        defer { fetching = nil }
        let fresh = try await task.value
        keys = fresh
        return fresh
    }

    private struct ProviderDescription: Decodable {
        let issuer: String
        let jwksURI: String

        enum CodingKeys: String, CodingKey {
            case issuer
            case jwksURI = "jwks_uri"
        }
    }

    private func fetch() async throws -> KeySet {
        var address = policy.keysURL
        if address == nil {
            let base = policy.issuer.hasSuffix("/") ? String(policy.issuer.dropLast()) : policy.issuer
            let description = try JSONDecoder().decode(
                ProviderDescription.self, from: try await document(base + "/.well-known/openid-configuration"))
            guard description.issuer == policy.issuer else { throw WrongIssuer(named: description.issuer) }
            address = description.jwksURI
        }
        let set = try JSONDecoder().decode(PublishedKeys.self, from: try await document(address ?? ""))
        let collection = JWTKeyCollection()
        var ids: Set<String> = []
        for key in set.keys.compactMap(\.jwk) {
            guard let id = key.keyIdentifier?.string else { continue }
            do {
                try await collection.add(jwk: key)
                ids.insert(id)
            } catch {
                logger.notice("a key of the tokens' issuer is of no use", metadata: [LogField.error: "\(String(reflecting: error))"])
            }
        }
        return KeySet(collection: collection, ids: ids, fetchedAt: .now)
    }

    /// A key set in which one key of a kind that is not known here does not spoil the others.
    private struct PublishedKeys: Decodable {
        struct Key: Decodable {
            let jwk: JWK?

            init(from decoder: any Decoder) throws {
                jwk = try? JWK(from: decoder)
            }
        }

        let keys: [Key]
    }

    private struct WrongIssuer: Error {
        let named: String
    }

    private struct DocumentFailed: Error {
        let address: String
        let status: UInt
    }

    private func document(_ address: String) async throws -> Data {
        let response = try await client.execute(HTTPClientRequest(url: address), timeout: .seconds(5))
        guard response.status == .ok else { throw DocumentFailed(address: address, status: response.status.code) }
        return Data(buffer: try await response.body.collect(upTo: Self.maximumDocumentBytes))
    }
}

/// A token's claims (RFC 7519 §4.1), and every other that is a text or a list of texts.
private struct Claims: JWTPayload {
    let issuer: String?
    let subject: String?
    let audience: [String]
    let expiry: Date?
    let notBefore: Date?
    let texts: [String: [String]]

    private struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Name.self)
        var texts: [String: [String]] = [:]
        for name in container.allKeys {
            if let text = try? container.decode(String.self, forKey: name) {
                texts[name.stringValue] = [text]
            } else if let list = try? container.decode([String].self, forKey: name) {
                texts[name.stringValue] = list
            }
        }
        func moment(_ name: String) throws -> Date? {
            try container.decodeIfPresent(Double.self, forKey: Name(stringValue: name)).map(Date.init(timeIntervalSince1970:))
        }
        self.texts = texts
        issuer = texts["iss"]?.first
        subject = texts["sub"]?.first
        audience = texts["aud"] ?? []
        expiry = try moment("exp")
        notBefore = try moment("nbf")
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Name.self)
        for (name, values) in texts { try container.encode(values, forKey: Name(stringValue: name)) }
    }

    /// Everything is checked by `TokenVerifier`, which knows the policy.
    func verify(using algorithm: some JWTAlgorithm) async throws {}
}
