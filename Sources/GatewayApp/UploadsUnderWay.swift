import Synchronization
import Telemetry

/// The uploads whose bytes are coming in, and how much is read of each at a time: a large piece costs fewer calls, and many uploads side
/// by side would fill the memory with them.
final class UploadsUnderWay: Sendable {
    /// A larger piece is new memory every time, a smaller one costs more calls than it saves.
    private static let pieceBytes = 32_768...131_072
    /// What of all of them may have been read and not stored.
    private static let aheadBytes = 16 << 20
    /// A connection reads no more pieces ahead than this.
    private static let piecesAhead = 10

    private let metrics: MetricRegistry
    private let count = Atomic(0)

    init(metrics: MetricRegistry) {
        self.metrics = metrics
    }

    func begin() {
        count.add(1, ordering: .relaxed)
        metrics.add(to: .uploadsInFlight)
    }

    func end() {
        count.subtract(1, ordering: .relaxed)
        metrics.add(-1, to: .uploadsInFlight)
    }

    /// Bytes to read at a time of one that begins now.
    var readBytes: Int {
        let share = Self.aheadBytes / Self.piecesAhead / max(1, count.load(ordering: .relaxed))
        return min(max(share, Self.pieceBytes.lowerBound), Self.pieceBytes.upperBound)
    }
}
