import Synchronization

/// The threads and memory of one call of a plan; reused by the next, it allocates nothing more.
///
/// `@unchecked Sendable`: belongs to one call at a time; within it, threads write places that the plan keeps apart.
public final class PlanContext: @unchecked Sendable {
    /// Writes row `row` of frame `frame` as `[width, channels]` floats; called from any of the context's threads, each row once.
    public typealias RowLoader = (_ frame: Int, _ row: Int, _ destination: UnsafeMutablePointer<Float>) -> Void

    /// Sees an operation's output on one frame as `[height, width, channels]` floats.
    public typealias Observer = (_ frame: Int, _ layer: String, _ shape: [Int], _ values: UnsafeBufferPointer<Float>) -> Void

    private let plan: NetworkPlan
    private let team: ThreadTeam
    private let shared: AlignedMemory
    private let arenas: [AlignedMemory]
    private let scratch: [AlignedMemory]
    private let nextGroup: [GroupCounter]
    private let loaderRow: [AlignedMemory]
    /// What the team is to do in the call at hand; kept here, since a closure made for each call would be allocated for each.
    private var frames = 0
    private var load: RowLoader?
    private var work: (_ worker: Int) -> Void = { _ in }

    /// Threads, of which there are at most `threads`, within `ThreadTeam.sizes`, and memory for each.
    public convenience init(plan: NetworkPlan, threads: Int) {
        self.init(plan: plan, team: ThreadTeam(size: threads), memory: .init(plans: [plan]))
    }

    /// Contexts of one thread each that share one memory, large enough for the largest plan. Of all of them only one call may be at hand at a
    /// time, and an output is valid until the next call of any.
    public static func contexts(sharingMemoryFor plans: [NetworkPlan]) -> [PlanContext] {
        let memory = Memory(plans: plans)
        return plans.map { PlanContext(plan: $0, team: ThreadTeam(size: 1), memory: memory) }
    }

    /// What the calls of one or more plans work in; a thread's part of it is made when the thread's context asks for it.
    private final class Memory {
        let shared: AlignedMemory
        private let arenaBytes: Int
        private let scratchBytes: Int
        private let loaderRowBytes: Int
        private(set) var arenas: [AlignedMemory] = []
        private(set) var scratch: [AlignedMemory] = []
        private(set) var loaderRow: [AlignedMemory] = []

        init(plans: [NetworkPlan]) {
            func most(_ bytes: (NetworkPlan) -> Int) -> Int { plans.map(bytes).max() ?? 0 }
            shared = AlignedMemory(byteCount: most(\.sharedBytes))
            arenaBytes = most(\.arenaBytes)
            scratchBytes = most(\.scratchBytes)
            loaderRowBytes = most { $0.input.layout.width * $0.inputChannels * MemoryLayout<Float>.size + 256 }
        }

        func makeRoom(threads: Int) {
            while arenas.count < threads {
                arenas.append(AlignedMemory(byteCount: arenaBytes))
                scratch.append(AlignedMemory(byteCount: scratchBytes))
                loaderRow.append(AlignedMemory(byteCount: loaderRowBytes))
            }
        }
    }

    private init(plan: NetworkPlan, team: ThreadTeam, memory: Memory) {
        self.plan = plan
        self.team = team
        memory.makeRoom(threads: team.size)
        shared = memory.shared
        arenas = memory.arenas
        scratch = memory.scratch
        loaderRow = memory.loaderRow
        nextGroup = plan.stages.map { _ in GroupCounter() }
        work = { [unowned self] worker in self.work(worker) }
    }

    /// Computes 1…`plan.batch` frames. The output, `plan.outputShape` for each frame, is valid until the next call.
    ///
    /// Blocks: never call it on Swift's cooperative pool.
    public func run(frames: Int, load: @escaping RowLoader) -> UnsafeBufferPointer<Float> {
        precondition((1...plan.batch).contains(frames), "\(frames) frames in a batch")
        self.frames = frames
        self.load = load
        for counter in nextGroup { counter.value.store(0, ordering: .relaxed) }
        team.run(work)
        self.load = nil
        return output(frames: frames)
    }

    private func work(_ worker: Int) {
        guard let load else { preconditionFailure("no call is at hand") }
        if frames >= team.size {
            runGroups(frames: frames, worker: worker, load: load)
        } else {
            runTogether(frames: frames, worker: worker, load: load)
        }
    }

    /// As `run`, on one thread, showing each operation's output on each frame as it is computed.
    public func observe(frames: Int, load: RowLoader, observer: Observer) -> UnsafeBufferPointer<Float> {
        eachGroup(frames: frames, load: load) { stage, index, group, memory in
            let place = stage.outputs[index]
            let shape = [place.layout.height, place.layout.width, stage.outputChannels[index]]
            for frame in 0..<group.count {
                let values = place.floats(frame: frame, memory, channels: shape[2])
                values.withUnsafeBufferPointer { observer(group.lowerBound + frame, stage.names[index], shape, $0) }
            }
        }
        return output(frames: frames)
    }

    /// As `run`, on one thread, telling how long the input and each operation took on each group of frames.
    public func profile(frames: Int, load: RowLoader, record: (_ operation: String, _ duration: Duration) -> Void) {
        let clock = ContinuousClock()
        var start = clock.now
        func finish(_ name: String) {
            let now = clock.now
            record(name, now - start)
            start = now
        }
        eachGroup(frames: frames, load: load) { finish("input") } after: { stage, index, _, _ in finish(stage.names[index]) }
    }

    /// The whole forward on one thread, with a word after the input and after each operation.
    private func eachGroup(
        frames: Int, load: RowLoader, afterInput: () -> Void = {},
        after: (_ stage: NetworkPlan.Stage, _ operation: Int, _ frames: Range<Int>, _ memory: GroupMemory) -> Void
    ) {
        precondition((1...plan.batch).contains(frames), "\(frames) frames in a batch")
        for stage in plan.stages {
            let size = plan.groupFrames(stage, frames: frames, threads: 1)
            for begin in stride(from: 0, to: frames, by: size) {
                let group = begin..<min(begin + size, frames)
                let memory = groupMemory(frames: group, worker: 0)
                prepare(stage, frames: group.count, load, memory, worker: 0)
                if stage.holdsInput { afterInput() }
                for (index, operation) in stage.operations.enumerated() {
                    operation.run(frames: group.count, slice: .whole, memory: memory)
                    after(stage, index, group, memory)
                }
            }
        }
    }

    private func output(frames: Int) -> UnsafeBufferPointer<Float> {
        let count = plan.outputShape.reduce(1, *)
        return UnsafeBufferPointer(start: shared.floats(at: plan.output.offset), count: frames * count)
    }

    /// Enough frames for every thread: each takes groups of frames through a whole stage by itself.
    private func runGroups(frames: Int, worker: Int, load: RowLoader) {
        for (index, stage) in plan.stages.enumerated() {
            let size = plan.groupFrames(stage, frames: frames, threads: team.size)
            while true {
                let begin = nextGroup[index].value.wrappingAdd(size, ordering: .relaxed).oldValue
                guard begin < frames else { break }
                let group = begin..<min(begin + size, frames)
                let memory = groupMemory(frames: group, worker: worker)
                if let chain = stage.chain {
                    clearBorders(stage, frames: group.count, memory)
                    for frame in 0..<group.count {
                        chain.run(frame: frame, memory: memory) { rows in
                            loadInput(frame..<frame + 1, rows: rows, load, memory, worker: worker)
                        }
                    }
                    continue
                }
                prepare(stage, frames: group.count, load, memory, worker: worker)
                for operation in stage.operations { operation.run(frames: group.count, slice: .whole, memory: memory) }
            }
            team.synchronize()
        }
    }

    /// Fewer frames than threads: all work on each operation together, in the first thread's memory but with scratch of their own.
    private func runTogether(frames: Int, worker: Int, load: RowLoader) {
        let slice = Slice(index: worker, count: team.size)
        for stage in plan.stages {
            let size = plan.groupFrames(stage, frames: frames, threads: team.size)
            for begin in stride(from: 0, to: frames, by: size) {
                let group = begin..<min(begin + size, frames)
                let memory = groupMemory(frames: group, worker: 0, scratchOf: worker)
                if worker == 0 { prepare(stage, frames: group.count, load, memory, worker: worker) }
                team.synchronize()
                for operation in stage.operations {
                    operation.run(frames: group.count, slice: slice, memory: memory)
                    team.synchronize()
                }
            }
        }
    }

    private func groupMemory(frames: Range<Int>, worker: Int, scratchOf scratchWorker: Int? = nil) -> GroupMemory {
        GroupMemory(
            arena: arenas[worker].base, shared: shared.base, firstFrame: frames.lowerBound,
            scratch: scratch[scratchWorker ?? worker].base)
    }

    /// Clears the borders, since other stages have used the memory, and loads the input where a stage begins with it.
    private func prepare(
        _ stage: NetworkPlan.Stage, frames: Int, _ load: RowLoader, _ memory: GroupMemory, worker: Int
    ) {
        clearBorders(stage, frames: frames, memory)
        let rows = 0..<plan.input.layout.height
        if stage.holdsInput { loadInput(0..<frames, rows: rows, load, memory, worker: worker) }
    }

    private func clearBorders(_ stage: NetworkPlan.Stage, frames: Int, _ memory: GroupMemory) {
        for value in stage.values { value.layout.clearBorders(memory.arena + value.offset, frames: frames) }
    }

    private func loadInput(_ frames: Range<Int>, rows: Range<Int>, _ load: RowLoader, _ memory: GroupMemory, worker: Int) {
        let layout = plan.input.layout
        let row = loaderRow[worker].floats()
        for frame in frames {
            let pixels = plan.input.pixels(frame: frame, memory)
            for y in rows {
                let target = pixels + y * layout.rowBytes
                if layout.format == .float32 && layout.channels == plan.inputChannels {
                    load(memory.firstFrame + frame, y, target.assumingMemoryBound(to: Float.self))
                } else {
                    load(memory.firstFrame + frame, y, row)
                    layout.store(row: row, channels: plan.inputChannels, at: target)
                }
            }
        }
    }
}

private final class GroupCounter: Sendable {
    let value = Atomic<Int>(0)
}
