import Foundation
import Synchronization

/// One line on standard error that shows how far a task is; nothing at all unless that is a terminal.
final class ProgressLine: Sendable {
    private static let width = 28

    private let subject: String
    private let isShown: Bool
    private let shown = Mutex("")

    /// - Parameter subject: what is being worked on, the line's start.
    init(subject: String, isShown: Bool = Terminal.isInteractive(2)) {
        self.subject = String(Terminal.printable(subject).prefix(32))
        self.isShown = isShown
    }

    /// Shows a step and the share of the whole that is done, 0…1; writes only when that changes the line.
    func show(_ step: String, _ share: Double) {
        guard isShown else { return }
        let share = min(max(share, 0), 1)
        let filled = Int(share * Double(Self.width))
        let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: Self.width - filled)
        let percent = "\(Int(share * 100))".padded(left: 3)
        let line = "\(subject)  [\(bar)] \(percent)%  \(step)"
        shown.withLock { last in
            guard line != last else { return }
            last = line
            Self.write("\r\(line)\u{1B}[K")
        }
    }

    /// Takes the line away, so that what follows starts on a clean one.
    func clear() {
        guard isShown else { return }
        shown.withLock { last in
            guard !last.isEmpty else { return }
            last = ""
            Self.write("\r\u{1B}[K")
        }
    }

    private static func write(_ text: String) {
        StandardError.show(text)
    }
}
