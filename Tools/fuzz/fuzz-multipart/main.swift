import CFuzzDriver
import Glibc
import Multipart

private struct Outcome: Equatable {
    var events: [MultipartParser.Event] = []
    var failed = false
}

/// A body in pieces of one size, what belongs together joined.
private func parse(_ bytes: UnsafeBufferPointer<UInt8>, pieces: Int) -> Outcome {
    var outcome = Outcome()
    do {
        var parser = try MultipartParser(boundary: "b")
        var at = 0
        while at < bytes.count {
            for event in try parser.consume(bytes[at..<min(bytes.count, at + pieces)]) {
                if case .partBytes(let more) = event, case .partBytes(let so)? = outcome.events.last {
                    outcome.events[outcome.events.count - 1] = .partBytes(so + more)
                } else {
                    outcome.events.append(event)
                }
            }
            at += pieces
        }
        try parser.end()
    } catch {
        outcome.failed = true
    }
    return outcome
}

// libFuzzer also brings a main of its own, which looks for this name.
/// However a body is cut on its way, it says the same.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzMultipart(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    guard let data else { return 0 }
    guard size > 1 else { return 0 }
    let bytes = UnsafeBufferPointer(start: data, count: size)
    let body = UnsafeBufferPointer(rebasing: bytes[1...])
    let whole = parse(body, pieces: max(1, body.count)), cut = parse(body, pieces: 1 + Int(bytes[0]))
    precondition(whole.failed == cut.failed, "one is refused and the other is not")
    // A refusal may come earlier in one than in the other.
    if !whole.failed { precondition(whole == cut, "the pieces say something else") }
    return 0
}

var argumentCount = CommandLine.argc
var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
exit(LLVMFuzzerRunDriver(&argumentCount, &arguments, fuzzMultipart))
