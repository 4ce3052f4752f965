import ArgumentParser
import Evaluation
import Foundation

/// How clips' names tell whom they show.
struct LabelledDataOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Regular expression whose matches (or first captures) in a file's name are the identities it shows; clips that share one are one group. "
                + "Default: numbers that stand by themselves, else the whole name.",
            valueName: "regex"))
    var pattern = "(?:^|[^A-Za-z0-9])([0-9]+)(?=[^A-Za-z0-9]|$)"

    func validate() throws {
        _ = try expression()
    }

    /// The labelled clips below a folder; says on standard error what was left alone.
    func clips(in path: String) throws -> [EvaluationClip] {
        let folder = try LabelledFolder(path: path, pattern: expression())
        if folder.ignored > 0 {
            StandardError.write("whorl: \(Terminal.printable(path)): \(folder.ignored) files are no clips by their names and are left alone")
        }
        return folder.clips
    }

    private func expression() throws -> Regex<AnyRegexOutput> {
        do {
            return try Regex(pattern)
        } catch {
            throw ValidationError("--pattern: it is no regular expression: \(error)")
        }
    }
}

extension CommandFailure {
    init(_ error: EvaluationError) {
        switch error {
        case .missingLabel, .twoLabels, .invalid: self.init(.failure, code: "bad_data", "\(error)")
        case .failed(let failure): self.init(.failure, code: failure.code, failure.description)
        case .checkpoint: self.init(.failure, code: "bad_checkpoint", "\(error)")
        case .network: self.init(.failure, code: "network_failed", "\(error)")
        case .video(let error): self.init(.failure, code: error.code.rawValue, "\(error)")
        case .unwritable: self.init(.failure, code: "unwritable_output", "\(error)")
        }
    }
}
