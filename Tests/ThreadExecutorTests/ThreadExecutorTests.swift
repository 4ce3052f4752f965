import Glibc
import Testing
import ThreadExecutor

/// Sums on its own thread, and tells which thread that is.
private actor Confined {
    private let executor: ThreadExecutor
    private(set) var values: [Int] = []

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    init(name: String) {
        executor = ThreadExecutor(name: name)
    }

    func append(_ value: Int) {
        values.append(value)
    }

    func thread() -> String { currentThread() }

    /// Blocks the thread until a byte comes. False when none has come for a long time.
    func waitInC(for descriptor: Int32) -> Bool {
        var polled = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&polled, 1, 20_000) == 1
    }

    func blocksSignal(_ signal: Int32) -> Bool {
        var mask = sigset_t()
        pthread_sigmask(SIG_SETMASK, nil, &mask)
        return sigismember(&mask, signal) == 1
    }
}

@Suite struct ThreadExecutorTests {
    @Test func allJobsRunOnOneThread() async {
        let actor = Confined(name: "tx-one")
        let first = await actor.thread()
        let others = await withTaskGroup(of: String.self) { group in
            for _ in 0..<64 {
                group.addTask { await actor.thread() }
            }
            return await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(others == [first])
    }

    @Test func theThreadCarriesTheName() async {
        let actor = Confined(name: "tx-name-é-and-far-too-long")
        await actor.append(1)
        #expect(threadNames().contains("tx-name-é-and-"))
    }

    @Test func concurrentCallersLoseNothing() async {
        let actor = Confined(name: "tx-many")
        await withTaskGroup(of: Void.self) { group in
            for value in 0..<10_000 {
                group.addTask { await actor.append(value) }
            }
        }
        #expect(await Set(actor.values) == Set(0..<10_000))
    }

    /// More blocking actors than there are cooperative threads would keep every other task from running, were they run
    /// on those; here they wait for what another task does.
    @Test func blockingCallsLeaveTheCooperativePoolFree() async throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        let (reader, writer) = (ends[0], ends[1])
        defer { ends.forEach { close($0) } }
        let actors = (0..<(sysconf(Int32(_SC_NPROCESSORS_ONLN)) * 2 + 2)).map { Confined(name: "tx-block-\($0)") }
        await withTaskGroup(of: Bool.self) { group in
            for actor in actors {
                group.addTask { await actor.waitInC(for: reader) }
            }
            let written = await Task.detached { write(writer, "x", 1) }.value
            #expect(written == 1)
            for await wasWoken in group { #expect(wasWoken) }
        }
    }

    @Test func theThreadEndsWithItsLastOwner() async throws {
        var actor: Confined? = Confined(name: "tx-ends")
        await actor?.append(1)
        #expect(threadNames().contains("tx-ends"))
        actor = nil
        let deadline = ContinuousClock.now + .seconds(5)
        while threadNames().contains("tx-ends"), ContinuousClock.now < deadline {
            await Task.yield()
        }
        #expect(!threadNames().contains("tx-ends"))
    }

    /// The actor's last reference is dropped by the very job that runs on its thread.
    @Test func anExecutorMayEndOnItsOwnThread() async {
        for index in 0..<500 {
            let actor = Confined(name: "tx-self-\(index)")
            Task.detached { await actor.append(index) }
        }
        let deadline = ContinuousClock.now + .seconds(10)
        while threadNames().contains(where: { $0.hasPrefix("tx-self-") }), ContinuousClock.now < deadline {
            await Task.yield()
        }
        #expect(!threadNames().contains { $0.hasPrefix("tx-self-") })
    }

    @Test func processSignalsStayAwayFromTheThread() async {
        let actor = Confined(name: "tx-signals")
        #expect(await actor.blocksSignal(SIGTERM))
        #expect(await actor.blocksSignal(SIGPIPE))
        #expect(await !actor.blocksSignal(SIGSEGV))
    }
}

/// The identity of the calling thread. Not pthread_self, which C declares to be constant: an optimiser that believes it
/// moves the call to the other side of an `await`.
func currentThread() -> String {
    var target = [CChar](repeating: 0, count: 64)
    let count = readlink("/proc/thread-self", &target, target.count)
    return String(decoding: target.prefix(max(count, 0)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// The names of this process's threads, from /proc.
private func threadNames() -> [String] {
    guard let directory = opendir("/proc/self/task") else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
        let identifier = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        guard let file = fopen("/proc/self/task/\(identifier)/comm", "r") else { continue }
        defer { fclose(file) }
        var buffer = [UInt8](repeating: 0, count: 64)
        let count = fread(&buffer, 1, buffer.count, file)
        names.append(String(decoding: buffer.prefix(count).prefix { $0 != 10 }, as: UTF8.self))
    }
    return names
}
