import Foundation
import NeuralCore

// OpenBLAS may want this process started anew, so before threads, files and sockets exist.
let computing: Set = ["analyze", "calibrate", "dataset", "evaluate", "model", "train"]
if CommandLine.arguments.dropFirst().contains(where: computing.contains) {
    let core = OpenBLASCore.prepare()
    if core.failure != nil { StandardError.write("whorl: warning: \(core)") }
}

var status = await WhorlCommand.runAsProgram()
// A verdict that nobody got is no success.
if fflush(nil) != 0, status == .success {
    StandardError.write("whorl: standard output cannot be written: \(String(cString: strerror(errno)))")
    status = .failure
}
exit(status.rawValue)
