import NeuralCore
import Synchronization
import Testing

@Suite("Thread team")
struct ThreadTeamTests {
    @Test("every turn runs once, each worker takes part once", arguments: [1, 2, 3, 8])
    func everyTurnOnce(size: Int) {
        let team = ThreadTeam(size: size)
        for _ in 0..<50 {
            let turns = Mutex([Int](repeating: 0, count: 100))
            team.forEach(100) { worker, index in
                precondition(worker < size)
                turns.withLock { $0[index] += 1 }
            }
            #expect(turns.withLock { $0 } == [Int](repeating: 1, count: 100))
            let workers = Mutex<[Int]>([])
            team.run { worker in workers.withLock { $0.append(worker) } }
            #expect(workers.withLock { $0.sorted() } == Array(0..<size))
        }
    }

    @Test("nobody passes the barrier before all have come", arguments: [2, 3, 5])
    func barrier(size: Int) {
        let team = ThreadTeam(size: size)
        let arrived = Atomic<Int>(0)
        let early = Atomic<Int>(0)
        team.run { _ in
            for round in 1...200 {
                arrived.add(1, ordering: .sequentiallyConsistent)
                team.synchronize()
                if arrived.load(ordering: .sequentiallyConsistent) < round * size { early.add(1, ordering: .relaxed) }
                team.synchronize()
            }
        }
        #expect(early.load(ordering: .relaxed) == 0)
        #expect(arrived.load(ordering: .relaxed) == 200 * size)
    }
}
