import Logging

/// A test server is missing; that is a failure, never a reason to skip.
public struct MissingServer: Error, CustomStringConvertible {
    let variable: String

    public var description: String {
        "\(variable) is not set: run the tests by `make test`, which starts the servers"
    }
}

/// Says nothing.
public let quietLogger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
