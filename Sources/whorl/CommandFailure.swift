import Detector
import JobModel
import JobStore
import PostgresClient

/// What the process tells its caller. Thrown by itself, it ends a command that has said already what was wrong.
enum ExitStatus: Int32, Error {
    case success = 0
    case failure = 1
    case usage = 2
    case badInput = 3
    case unreachable = 4

    /// Of two files' outcomes the one that the process ends with: a fault of ours outweighs a bad clip.
    func outweighed(by other: ExitStatus) -> ExitStatus {
        func weight(_ status: ExitStatus) -> Int {
            switch status {
            case .success: 0
            case .badInput: 1
            case .usage: 2
            case .unreachable: 3
            case .failure: 4
            }
        }
        return weight(other) > weight(self) ? other : self
    }
}

/// Why a command did not do what it was asked for, in one line.
struct CommandFailure: Error, CustomStringConvertible {
    var status: ExitStatus
    /// A stable snake_case word for programs.
    var code: String
    var message: String

    init(_ status: ExitStatus, code: String, _ message: String) {
        self.status = status
        self.code = code
        self.message = message
    }

    var description: String { message }

    /// With the name of the file, address or table that it is about.
    func about(_ subject: String) -> CommandFailure {
        CommandFailure(status, code: code, "\(Terminal.printable(subject)): \(message)")
    }
}

extension CommandFailure {
    /// The failure that an error of the libraries means for this process; nil for those of the argument parser.
    init?(_ error: any Error) {
        switch error {
        case let error as CommandFailure: self = error
        case let error as JobFailure: self.init(error)
        case let error as CheckpointError: self.init(.failure, code: "bad_checkpoint", "\(error)")
        case let error as VerificationError: self.init(.failure, code: "bad_reference", "\(error)")
        case let error as MigrationError: self.init(.failure, code: "migration_refused", "\(error)")
        case let error as PostgresError: self.init(error)
        default: return nil
        }
    }

    init(_ failure: JobFailure) {
        // On a server an unreadable upload may pass; here the file was given by hand, and it is what is wrong.
        let isInput = failure.disposition == .refuse || failure.code == "unreadable_input"
        self.init(isInput ? .badInput : .failure, code: failure.code, failure.description)
    }

    init(_ error: PostgresError) {
        // The operator's own terminal: the address and the server's words are wanted here.
        let words = error.debugDescription.split(whereSeparator: \.isNewline).joined(separator: " ")
        if case .connection = error.kind {
            self.init(.unreachable, code: "database_unreachable", words)
        } else {
            self.init(.failure, code: "database_error", words)
        }
    }
}
