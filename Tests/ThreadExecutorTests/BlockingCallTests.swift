import Glibc
import Testing
import ThreadExecutor

/// Waits on its own thread, as the clients of blocking C libraries do.
private actor Waiter {
    enum Ending { case overdue, cancelled }

    private let executor = ThreadExecutor(name: "tx-wait")
    private let wait: InterruptibleWait

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    init() throws {
        wait = try #require(InterruptibleWait())
    }

    func waitForNothing(until deadline: ContinuousClock.Instant) async -> Ending {
        await BlockingCall.run(on: wait, until: deadline) { call in
            while true {
                if call.isCancelled { return .cancelled }
                if wait.wait(for: nil, until: call.deadline) == .timedOut { return .overdue }
            }
        }
    }

    func threads() async -> (actor: String, call: String) {
        (currentThread(), await BlockingCall.run(on: wait, until: .now) { _ in currentThread() })
    }

    func wakeEarly() -> InterruptibleWait.Outcome {
        wait.wake()
        return wait.wait(for: nil, until: .now + .seconds(10))
    }
}

@Suite struct BlockingCallTests {
    @Test func theBodyRunsOnTheActorsThread() async throws {
        let threads = await (try Waiter()).threads()
        #expect(threads.actor == threads.call)
    }

    @Test func theDeadlineEndsTheWait() async throws {
        let start = ContinuousClock.now
        let ending = await (try Waiter()).waitForNothing(until: start + .milliseconds(30))
        #expect(ending == .overdue)
        #expect(ContinuousClock.now - start >= .milliseconds(30))
    }

    @Test func cancellationEndsTheWaitAtOnce() async throws {
        let waiter = try Waiter()
        let start = ContinuousClock.now
        let task = Task { await waiter.waitForNothing(until: start + .seconds(60)) }
        await Task.yield()
        task.cancel()
        #expect(await task.value == .cancelled)
        #expect(ContinuousClock.now - start < .seconds(10))
        // The cancellation of one call is not that of the next.
        #expect(await waiter.waitForNothing(until: .now) == .overdue)
    }

    @Test func aWakeUpBeforeTheWaitIsNotLost() async throws {
        #expect(await (try Waiter()).wakeEarly() == .woken)
    }

    @Test func aReadyDescriptorEndsTheWait() throws {
        let wait = try #require(InterruptibleWait())
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        defer { ends.forEach { close($0) } }
        #expect(wait.wait(for: ends[0], until: .now) == .timedOut)
        #expect(wait.wait(for: ends[1], .writable, until: .now) == .ready(.writable))
        #expect(write(ends[1], "x", 1) == 1)
        #expect(wait.wait(for: ends[0], until: .now + .seconds(10)) == .ready(.readable))
    }

    @Test func delaysGrowUpToTheirBoundAndStartAfresh() {
        var generator = SystemRandomNumberGenerator()
        var backoff = ReconnectBackoff(delays: .milliseconds(100) ... .seconds(1))
        let now = ContinuousClock.now
        #expect(backoff.earliestAttempt(after: now) == nil)
        for longest in [100, 200, 400, 800, 1000, 1000] {
            let delay = backoff.recordFailure(at: now, using: &generator)
            #expect((Duration.milliseconds(longest) / 2 ... .milliseconds(longest)).contains(delay))
            #expect(backoff.earliestAttempt(after: now) == now + delay)
            #expect(backoff.earliestAttempt(after: now + delay) == nil)
        }
        backoff.recordSuccess()
        #expect(backoff.earliestAttempt(after: now) == nil)
    }
}
