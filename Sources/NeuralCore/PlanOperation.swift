/// A share of an operation's work: part `index` of `count`.
struct Slice: Sendable {
    let index: Int
    let count: Int

    static let whole = Slice(index: 0, count: 1)

    /// This share of `total` equal pieces.
    func range(of total: Int) -> Range<Int> {
        total * index / count..<total * (index + 1) / count
    }
}

/// Where a group of frames and its thread find their memory.
struct GroupMemory {
    /// The stage's own values, for the frames of this group only.
    let arena: UnsafeMutableRawPointer
    /// Values between stages, for all frames of the batch.
    let shared: UnsafeMutableRawPointer
    /// Number in the batch of the group's first frame.
    let firstFrame: Int
    /// The thread's own.
    let scratch: UnsafeMutableRawPointer
}

/// A value's place in memory.
struct ValuePlace: Sendable, Equatable {
    let layout: ActivationLayout
    let isShared: Bool
    let offset: Int

    /// The frame's pixel (0, 0); `frame` counts within the group.
    func pixels(frame: Int, _ memory: GroupMemory) -> UnsafeMutableRawPointer {
        isShared
            ? memory.shared + offset + layout.origin(frame: memory.firstFrame + frame)
            : memory.arena + offset + layout.origin(frame: frame)
    }
}

/// One step of a plan over a group of frames.
protocol PlanOperation: Sendable {
    /// Bytes of a thread's scratch memory when the group has `frames` frames.
    func scratchBytes(frames: Int) -> Int
    /// Computes a share. Shares of one operation may run at the same time and write different places.
    func run(frames: Int, slice: Slice, memory: GroupMemory)
}

/// Pictures of at least so many rows are shared out by rows, smaller ones by output channels, whose weights are then read once.
let rowsWorthSharing = 28

/// Input that stays in a core's second-level cache (2 MiB on the CPUs in mind) beside the weights of some channels.
let residentInputBytes = 1 << 20
