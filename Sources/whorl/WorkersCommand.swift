import ArgumentParser
import Foundation
import JobModel

/// Who works, and who does not, and why.
struct WorkersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "workers", abstract: "List the workers of a gateway's queue, with their slots and how they do.")

    @OptionGroup var operators: OperatorsOption

    @Flag(help: "Print the list as JSON.")
    var json = false

    func run() async throws {
        let list = try await operators.client.workers()
        if json {
            return print(String(decoding: try WhorlJSON.encoder(pretty: true).encode(list), as: UTF8.self))
        }
        guard !list.workers.isEmpty else { return print("no workers") }
        print("id                                    busy   version  host and state")
        for worker in list.workers {
            let busy = "\(worker.busySlots)/\(worker.slots)".padded(right: 6)
            print(
                "\(worker.id.uuidString.lowercased())  \(busy) \(Terminal.printable(worker.version).padded(right: 8)) "
                    + "\(Terminal.printable(worker.host)), \(Terminal.printable(worker.stateText))")
        }
    }
}

extension WorkerStatus {
    /// How it does, in words.
    fileprivate var stateText: String {
        if !isAlive { return "silent since \(heartbeatAt.formatted(.iso8601))" }
        if isDraining { return "draining" }
        return unreadyReason.map { "not ready: \($0)" } ?? "ready"
    }
}
