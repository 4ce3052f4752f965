import Foundation
import NeuralCore

// OpenBLAS may want this process started anew, so before threads, files and sockets exist.
if CommandLine.arguments.dropFirst().contains(where: { ["analyze", "model"].contains($0) }) {
    let core = OpenBLASCore.prepare()
    if core.failure != nil { StandardError.write("whorl: warning: \(core)") }
}

exit(await WhorlCommand.runAsProgram().rawValue)
