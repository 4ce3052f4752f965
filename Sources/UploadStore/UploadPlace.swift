import AsyncHTTPClient
import NIOPosix
import Settings

/// Which store holds the uploads: gateways and workers are told the same.
public enum UploadPlace: Hashable, Sendable {
    case directory(String)
    case s3(S3Place, spoolDirectory: String)

    /// The keys, as `--help` lists them.
    public static let table: [Setting] = [
        Setting(
            "uploads.store", .choice(["directory", "s3"]), default: "directory",
            help: "Where the clips are: in a directory that gateways and workers share, or in an S3-compatible store."),
        Setting("uploads.directory", .text, default: "uploads", help: "The directory; with s3, where clips wait on their way."),
        Setting(
            "s3.endpoint", .text, default: "", help: "The store's address, such as https://s3.eu-central-1.amazonaws.com."),
        Setting("s3.region", .text, default: "us-east-1", help: "Its region, which signatures name."),
        Setting("s3.bucket", .text, default: "", help: "The bucket; it must be there."),
        Setting("s3.prefix", .text, default: "", help: "Before every key, such as whorl/."),
        Setting("s3.accessKey", .text, default: "", isSecret: true, help: "The access key; also read from AWS_ACCESS_KEY_ID."),
        Setting("s3.secretKey", .text, default: "", isSecret: true, help: "The secret key; also read from AWS_SECRET_ACCESS_KEY."),
        Setting("s3.sessionToken", .text, default: "", isSecret: true, help: "Of temporary credentials; also read from AWS_SESSION_TOKEN."),
        Setting("s3.attempts", .integer(1...20), unit: "tries", default: "5", help: "Send a request so often in all when it fails in a way that may pass."),
        Setting("s3.requestSeconds", .number(0.1...3600), unit: "seconds", default: "60", help: "A request without an answer after this long has failed."),
    ]

    /// - Throws: `SettingsError` for an S3 store of which something is missing.
    public init(_ settings: SettingsReader) throws(SettingsError) {
        let directory = settings.text("uploads.directory")
        guard settings.text("uploads.store") == "s3" else {
            self = .directory(directory)
            return
        }
        for key in ["s3.endpoint", "s3.bucket", "s3.accessKey", "s3.secretKey"] where settings.text(key).isEmpty {
            throw SettingsError("--uploads-store s3 needs \(settings.flagName(key))")
        }
        let endpoint = settings.text("s3.endpoint"), prefix = settings.text("s3.prefix"), token = settings.text("s3.sessionToken")
        guard endpoint.hasPrefix("http://") || endpoint.hasPrefix("https://") else {
            throw SettingsError("\(settings.flagName("s3.endpoint")) must begin with https:// or http://")
        }
        var place = S3Place(
            endpoint: endpoint, region: settings.text("s3.region"), bucket: settings.text("s3.bucket"),
            prefix: prefix.isEmpty || prefix.hasSuffix("/") ? prefix : prefix + "/",
            credentials: S3Credentials(
                accessKey: settings.text("s3.accessKey"), secretKey: settings.text("s3.secretKey"),
                sessionToken: token.isEmpty ? nil : token))
        place.attempts = settings.integer("s3.attempts")
        place.requestSeconds = settings.number("s3.requestSeconds")
        self = .s3(place, spoolDirectory: directory)
    }

    /// Opens the store.
    ///
    /// - Parameters:
    ///   - http: what an S3 store is reached with; its owner shuts it down.
    ///   - threads: where files are written and read.
    public func open(http: HTTPClient, threads: NIOThreadPool) throws(UploadError) -> any UploadStore {
        switch self {
        case .directory(let path): try DirectoryUploadStore(root: path, threads: threads)
        case .s3(let place, let directory):
            S3UploadStore(
                place: place, http: http, spoolDirectory: try DirectoryUploadStore.prepared(directory), threads: threads)
        }
    }
}
