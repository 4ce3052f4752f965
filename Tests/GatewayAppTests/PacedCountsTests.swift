import GatewayApp
import Testing

@Suite struct PacedCountsTests {
    /// Counts its calls; a call lasts until it is let go.
    private actor Counting {
        private(set) var calls = 0
        private var gate: CheckedContinuation<Void, Never>?

        func count(waiting: Bool) async -> Int {
            calls += 1
            let number = calls
            if waiting { await withCheckedContinuation { gate = $0 } }
            return number
        }

        func isWaiting() -> Bool { gate != nil }

        func letGo() {
            gate?.resume()
            gate = nil
        }
    }

    private struct Refusal: Error {}

    @Test func allWhoAskShareOneCount() async throws {
        let counting = Counting()
        let paced = PacedCounts<Int, Int> { _ in await counting.count(waiting: true) }
        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<20 { group.addTask { try await paced.value(for: 1).value } }
            while await !counting.isWaiting() { await Task.yield() }
            await counting.letGo()
            for try await value in group { #expect(value == 1) }
        }
        #expect(try await paced.value(for: 1).value == 1)
        #expect(await counting.calls == 1)
    }

    @Test func aFailedCountIsTriedAgain() async throws {
        let counting = Counting()
        let paced = PacedCounts<Int, Int> { _ in
            let number = await counting.count(waiting: false)
            guard number > 1 else { throw Refusal() }
            return number
        }
        await #expect(throws: Refusal.self) { try await paced.value(for: 1).value }
        #expect(try await paced.value(for: 1).value == 2)
    }
}
