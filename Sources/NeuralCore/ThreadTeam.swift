import Glibc
import Synchronization

/// Threads that stay for as long as the team does and work side by side on one thing at a time.
///
/// The caller's thread is worker 0. Threads that wait within a piece of work spin for some microseconds, which is what most waits take, and then
/// doze; between pieces they sleep.
public final class ThreadTeam: Sendable {
    /// How many threads a team can have.
    public static let sizes = 1...256

    /// Threads that there are, the caller's included.
    public let size: Int
    private let shared: SharedState
    private let barrier: TeamBarrier

    /// Starts `size` − 1 threads, or as many of them as the system has room for.
    public init(size wanted: Int) {
        precondition(ThreadTeam.sizes.contains(wanted), "a team of \(wanted) threads")
        let shared = SharedState()
        self.shared = shared
        var size = 1
        while size < wanted {
            let worker = size
            guard ThreadTeam.startThread({ shared.serve(worker: worker) }) else { break }
            size += 1
        }
        self.size = size
        barrier = TeamBarrier(size: size)
    }

    deinit {
        shared.stop()
    }

    /// Runs `body(worker)` once on each thread, `worker` from 0, and waits for all. Not reentrant; one caller at a time.
    ///
    /// A body that the caller keeps from one run to the next costs no allocation, which is why it may escape.
    public func run(_ body: @escaping (_ worker: Int) -> Void) {
        guard size > 1 else { return body(0) }
        shared.begin(helpers: size - 1, body)
        body(0)
        shared.waitForHelpers()
    }

    /// Waits, inside `run`, until every worker has come to this point; what they wrote before is seen by all after.
    public func synchronize() {
        barrier.wait()
    }

    /// Runs `body(worker, index)` once for each index below `count`, each on whatever worker is free.
    public func forEach(_ count: Int, _ body: (_ worker: Int, _ index: Int) -> Void) {
        let next = TurnCounter()
        // Every thread has returned from the body before `run` does.
        withoutActuallyEscaping(body) { body in
            run { worker in
                while let index = next.take(below: count) { body(worker, index) }
            }
        }
    }

    private static func startThread(_ body: @escaping @Sendable () -> Void) -> Bool {
        let box = Unmanaged.passRetained(ThreadBody(body))
        var thread = pthread_t()
        let status = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                let body = Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue()
                body.run()
                return nil
            }, box.toOpaque())
        guard status == 0 else {
            box.release()
            return false
        }
        pthread_detach(thread)
        return true
    }
}

/// Hands out indices, each once.
private final class TurnCounter: Sendable {
    private let next = Atomic<Int>(0)

    func take(below count: Int) -> Int? {
        let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
        return index < count ? index : nil
    }
}

private final class ThreadBody: Sendable {
    let run: @Sendable () -> Void

    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}

/// The piece of work at hand and who is still at it. `@unchecked Sendable`: guarded by its mutex.
private final class SharedState: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var body: ((Int) -> Void)?
    private var generation = 0
    private var working = 0
    private var isStopped = false

    init() {
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(changed, nil)
    }

    deinit {
        pthread_cond_destroy(changed)
        pthread_mutex_destroy(mutex)
        changed.deallocate()
        mutex.deallocate()
    }

    func begin(helpers: Int, _ body: @escaping (Int) -> Void) {
        pthread_mutex_lock(mutex)
        precondition(working == 0, "a team does one thing at a time")
        self.body = body
        working = helpers
        generation += 1
        pthread_cond_broadcast(changed)
        pthread_mutex_unlock(mutex)
    }

    func waitForHelpers() {
        pthread_mutex_lock(mutex)
        while working > 0 { pthread_cond_wait(changed, mutex) }
        body = nil
        pthread_mutex_unlock(mutex)
    }

    func stop() {
        pthread_mutex_lock(mutex)
        isStopped = true
        pthread_cond_broadcast(changed)
        pthread_mutex_unlock(mutex)
    }

    /// A helper's life: takes each piece of work once.
    func serve(worker: Int) {
        var seen = 0
        while true {
            pthread_mutex_lock(mutex)
            while generation == seen && !isStopped { pthread_cond_wait(changed, mutex) }
            guard !isStopped else {
                pthread_mutex_unlock(mutex)
                return
            }
            seen = generation
            pthread_mutex_unlock(mutex)
            perform(worker: worker)
            pthread_mutex_lock(mutex)
            working -= 1
            if working == 0 { pthread_cond_broadcast(changed) }
            pthread_mutex_unlock(mutex)
        }
    }

    /// A call of its own, so that nothing holds the caller's closure any more when the helper reports that it is done.
    @inline(never)
    private func perform(worker: Int) {
        // Set before the generation was raised, cleared after all helpers are done: no lock is needed in between.
        body?(worker)
    }
}

/// Lets go when all have come; usable again at once.
private final class TeamBarrier: Sendable {
    /// Looks at the counter that many times before it lets another thread have the core,
    private static let spins = 4_000
    /// and that many times more before it dozes: whoever is waited for may need milliseconds.
    private static let yields = 200
    private static let dozeMicroseconds: UInt32 = 50

    private let size: Int
    private let arrived = Atomic<Int>(0)
    private let generation = Atomic<Int>(0)

    init(size: Int) { self.size = size }

    func wait() {
        guard size > 1 else { return }
        let mine = generation.load(ordering: .acquiring)
        if arrived.wrappingAdd(1, ordering: .acquiringAndReleasing).newValue == size {
            arrived.store(0, ordering: .relaxed)
            generation.wrappingAdd(1, ordering: .releasing)
            return
        }
        var turns = 0
        while generation.load(ordering: .acquiring) == mine {
            turns += 1
            if turns > TeamBarrier.spins + TeamBarrier.yields {
                usleep(TeamBarrier.dozeMicroseconds)
            } else if turns > TeamBarrier.spins {
                sched_yield()
            }
        }
    }
}
