import ArgumentParser
import Detector
import Foundation
import JobModel
import NeuralCore

/// Shows what a checkpoint is.
struct ModelInspectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show a checkpoint's card, digest and tensors.",
        discussion: "Takes Whorl's own checkpoints; import others first. The whole file is read and checked.")

    @Argument(help: "The checkpoint.", completion: .file())
    var path: String

    @Flag(help: "Print it as JSON.")
    var json = false

    @Flag(help: "Show instead how each layer would be computed here: method, multiplications, bytes of packed weights.")
    var plan = false

    @OptionGroup(title: "The network, for --plan")
    var network: NetworkOptions

    func run() async throws {
        if plan {
            let detector = try await NetworkThread().load(
                path: path, threads: network.threads, selection: network.selection())
            let summary = PlanSummary(detector.plan)
            print(json ? String(decoding: try WhorlJSON.encoder(pretty: true).encode(summary), as: UTF8.self) : summary.text)
            return
        }
        let summary: CheckpointSummary
        do throws(CheckpointError) {
            summary = CheckpointSummary(try Checkpoint.open(path: path))
        } catch {
            throw CommandFailure(.failure, code: "bad_checkpoint", "\(error)").about(path)
        }
        if json {
            print(String(decoding: try WhorlJSON.encoder(pretty: true).encode(summary), as: UTF8.self))
        } else {
            print(summary.text(title: path, terminal: Terminal(descriptor: 1)))
        }
    }
}

/// What `whorl model inspect` shows of a checkpoint.
private struct CheckpointSummary: Encodable {
    struct TensorSummary: Encodable {
        var name: String
        var shape: [Int]
        var parameterCount: Int
    }

    var card: ModelCard
    var sha256: String
    var parameterCount: Int
    var tensors: [TensorSummary]

    init(_ checkpoint: Checkpoint) {
        card = checkpoint.card
        sha256 = checkpoint.sha256
        tensors = checkpoint.tensors.sorted { $0.key < $1.key }.map {
            TensorSummary(name: $0.key, shape: $0.value.shape, parameterCount: $0.value.count)
        }
        parameterCount = tensors.reduce(0) { $0 + $1.parameterCount }
    }

    func text(title: String, terminal: Terminal) -> String {
        func fact(_ name: String, _ value: String) -> String {
            "  " + terminal.paint(name.padded(right: 14), .faint) + Terminal.printable(value)
        }
        var lines = [
            terminal.paint(Terminal.printable(title), .bold),
            fact("model", "\(card.name) \(card.version)"),
            fact("network", "\(card.architecture), \(card.head.rawValue) head, \(card.precision)"),
            fact("trained", card.trained ? "yes" : "NO: its verdicts mean nothing and are uncertain"),
            fact("looks at", "\(card.frames) frames, \(card.region == .face ? "each face" : "the whole picture") at \(card.inputSize)x\(card.inputSize)"),
            fact("mean, std", "\(card.mean), \(card.std)"),
            fact("decides", "fake from \(card.threshold); uncertain in \(card.abstention); temperature \(card.temperature)"),
        ]
        if let seed = card.seed { lines.append(fact("seed", "\(seed)")) }
        if let created = card.created { lines.append(fact("created", created)) }
        if !card.notes.isEmpty { lines.append(fact("notes", card.notes)) }
        lines.append(fact("sha256", sha256))
        lines.append(fact("tensors", "\(tensors.count) with \(parameterCount) numbers in all"))
        let width = tensors.map(\.name.count).max() ?? 0
        for tensor in tensors {
            let shape = tensor.shape.map(String.init).joined(separator: ", ")
            lines.append("    \(Terminal.printable(tensor.name).padded(right: width))  [\(shape)]")
        }
        return lines.joined(separator: "\n")
    }
}
