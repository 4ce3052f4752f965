import Dispatch
import Foundation
import Synchronization

/// Whether SIGINT or SIGTERM has come: the first asks the work to end well, a second one ends the process.
final class StopSignals: Sendable {
    private let isRequested = Atomic<Bool>(false)
    private let sources = Mutex<[any DispatchSourceSignal]>([])

    init() {
        for number in [SIGINT, SIGTERM] {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { [weak self] in
                self?.isRequested.store(true, ordering: .relaxed)
                signal(number, SIG_DFL)
            }
            source.resume()
            sources.withLock { $0.append(source) }
        }
    }

    deinit {
        sources.withLock { $0.forEach { $0.cancel() } }
        for number in [SIGINT, SIGTERM] { signal(number, SIG_DFL) }
    }

    var haveCome: Bool { isRequested.load(ordering: .relaxed) }
}
