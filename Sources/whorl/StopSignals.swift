import Dispatch
import Foundation
import Synchronization

/// Whether SIGINT or SIGTERM has come: the first asks the work to end well, a second one ends the process.
final class StopSignals {
    /// Set by the signals' queue, read by the work's thread.
    private final class Flag: Sendable {
        let isSet = Atomic<Bool>(false)
    }

    private static let numbers = [SIGINT, SIGTERM]

    private let flag = Flag()
    private let sources: [any DispatchSourceSignal]

    init() {
        sources = Self.numbers.map { [flag] number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                flag.isSet.store(true, ordering: .relaxed)
                signal(number, SIG_DFL)
            }
            source.resume()
            return source
        }
    }

    deinit {
        for source in sources { source.cancel() }
        for number in Self.numbers { signal(number, SIG_DFL) }
    }

    var haveCome: Bool { flag.isSet.load(ordering: .relaxed) }
}
