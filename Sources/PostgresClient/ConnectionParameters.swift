import CLibpq
import Glibc

/// The keywords and values that libpq connects with.
struct ConnectionParameters {
    private let pairs: [(keyword: String, value: String)]

    /// - Throws: ``PostgresError/Kind-swift.enum/configuration(_:)`` for a URL that libpq cannot read.
    init(_ configuration: PostgresConfiguration) throws(PostgresError) {
        let givenOptions = try Self.options(inURL: configuration.url)
        let settings = configuration.sessionSettings.sorted { $0.key < $1.key }
            .map { "-c \($0.key)=\(Self.escapeOption($0.value))" }
        // What comes later wins: the URL may change what stands before it, but not what stands after it.
        pairs = [
            ("fallback_application_name", configuration.applicationName),
            // A Kerberos negotiation before every connection is slow where there is no Kerberos.
            ("gssencmode", "disable"),
            ("keepalives_idle", "10"), ("keepalives_interval", "5"), ("keepalives_count", "3"),
            ("tcp_user_timeout", "30000"),
            ("dbname", configuration.url),
            ("client_encoding", "UTF8"),
            ("options", ([givenOptions].compactMap { $0 } + settings).joined(separator: " ")),
        ]
    }

    /// Begins to connect. The caller owns the result.
    func start() -> OpaquePointer? {
        var keywords: [UnsafePointer<CChar>?] = pairs.map { UnsafePointer(strdup($0.keyword)) }
        var values: [UnsafePointer<CChar>?] = pairs.map { UnsafePointer(strdup($0.value)) }
        keywords.append(nil)
        values.append(nil)
        defer {
            for pointer in keywords + values { free(UnsafeMutablePointer(mutating: pointer)) }
        }
        return PQconnectStartParams(keywords, values, 1)
    }

    /// Checks the URL and returns the `options` in it, which ours would otherwise replace.
    private static func options(inURL url: String) throws(PostgresError) -> String? {
        guard url.hasPrefix("postgresql://") || url.hasPrefix("postgres://") else {
            throw PostgresError(.configuration("the database URL must begin with postgresql://"))
        }
        var message: UnsafeMutablePointer<CChar>?
        guard let options = PQconninfoParse(url, &message) else {
            let text = message.map { String(cString: $0) } ?? "out of memory"
            PQfreemem(message)
            throw PostgresError(.configuration(redact(text.trimmingTrailingNewlines(), url: url)))
        }
        defer { PQconninfoFree(options) }
        var entry = options
        while let keyword = entry.pointee.keyword {
            if String(cString: keyword) == "options" {
                return entry.pointee.val.map { String(cString: $0) }
            }
            entry += 1
        }
        return nil
    }

    /// Takes the password out of libpq's complaint, which quotes the part of the URL that it stumbled over.
    private static func redact(_ message: String, url: String) -> String {
        let rest = url.drop { $0 != "/" }.dropFirst(2)
        guard let at = rest.lastIndex(of: "@"), let colon = rest[..<at].firstIndex(of: ":") else { return message }
        let password = String(rest[rest.index(after: colon)..<at])
        guard !password.isEmpty, message.contains(password) else { return message }
        return message.split(separator: password, omittingEmptySubsequences: false).joined(separator: "***")
    }

    /// libpq splits `options` at spaces that no backslash precedes.
    private static func escapeOption(_ value: String) -> String {
        value.reduce(into: "") { text, character in
            if character == " " || character == "\\" { text.append("\\") }
            text.append(character)
        }
    }
}
