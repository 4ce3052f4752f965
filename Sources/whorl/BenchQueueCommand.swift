import ArgumentParser
import Foundation
import JobModel
import JobStore
import PostgresClient

/// Times the queue at the store's interface: PostgreSQL alone, without HTTP, Redis and clips.
struct BenchQueueCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "queue",
        abstract: "Time the job queue on a database of its own.",
        discussion: """
            --enqueue makes jobs from many tasks at once and leaves them there; --latencies makes, looks up and claims one job \
            after another and ends each. Either prints one line of JSON. The schema must be there (whorl migrate), and \
            nothing else should use the database: this is no place for jobs that matter.
            """)

    @OptionGroup var database: DatabaseOption

    @Option(help: ArgumentHelp("Make so many jobs as fast as they go.", valueName: "n"))
    var enqueue: Int?

    @Option(help: ArgumentHelp("Tasks that make them.", valueName: "n"))
    var concurrency = 256

    @Option(help: ArgumentHelp("Time so many single calls of each kind.", valueName: "n"))
    var latencies: Int?

    func validate() throws {
        guard (enqueue == nil) != (latencies == nil) else { throw ValidationError("say either --enqueue or --latencies") }
        guard (1...10_000_000).contains(enqueue ?? latencies ?? 1) else { throw ValidationError("the number must be 1 to 10000000") }
        guard (1...4096).contains(concurrency) else { throw ValidationError("--concurrency must be 1 to 4096") }
    }

    func run() async throws {
        let pool = database.pool(connections: 4, applicationName: "whorl-bench")
        do {
            let store = JobStore(pool: pool)
            if let enqueue {
                try BenchService.printLine(try await timeEnqueue(enqueue, store))
            } else if let latencies {
                try BenchService.printLine(try await timeCalls(latencies, store, pool))
            }
        } catch {
            await pool.close()
            throw error
        }
        await pool.close()
    }

    private struct Throughput: Encodable {
        let jobs: Int
        let seconds, perSecond, p50Milliseconds, p99Milliseconds: Double
    }

    private struct Latency: Encodable {
        let p50, p99: Double

        init(_ seconds: [Double]) {
            let sorted = seconds.sorted()
            p50 = sorted.percentile(0.5) * 1e3
            p99 = sorted.percentile(0.99) * 1e3
        }
    }

    private func timeEnqueue(_ count: Int, _ store: JobStore) async throws -> Throughput {
        let clock = ContinuousClock(), start = clock.now
        let tasks = min(concurrency, count)
        let seconds = try await withThrowingTaskGroup(of: [Double].self) { group in
            for task in 0..<tasks {
                group.addTask {
                    var seconds: [Double] = []
                    for _ in 0..<(count / tasks + (task < count % tasks ? 1 : 0)) {
                        let began = clock.now
                        _ = try await store.enqueue(Self.job())
                        seconds.append(began.duration(to: clock.now) / .seconds(1))
                    }
                    return seconds
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        let total = start.duration(to: clock.now) / .seconds(1)
        let latency = Latency(seconds)
        return Throughput(
            jobs: count, seconds: total, perSecond: Double(count) / total, p50Milliseconds: latency.p50, p99Milliseconds: latency.p99)
    }

    /// Makes, shows and claims jobs one by one: by name as Redis has them claimed, and next in turn as without Redis.
    private func timeCalls(_ count: Int, _ store: JobStore, _ pool: PostgresPool) async throws -> [String: Latency] {
        let claimant = try await Self.register(pool)
        var seconds: [String: [Double]] = [:]
        func time<Value>(_ name: String, _ body: () async throws -> Value) async throws -> Value {
            let start = ContinuousClock.now
            let value = try await body()
            seconds[name, default: []].append(start.duration(to: .now) / .seconds(1))
            return value
        }
        // The first calls prepare their statements and fill the caches.
        for round in 0..<(count + 20) {
            if round == 20 { seconds = [:] }
            let job = Self.job()
            _ = try await time("enqueue") { try await store.enqueue(job) }
            _ = try await time("status") { try await store.status(of: job.id, tenant: job.tenant) }
            let named = try await time("claim") { try await store.claim([job.id], for: claimant) }
            let next = try await time("claimNext") { try await store.claimNext(1, for: claimant) }
            for claimed in named + next { _ = try await store.end(claimed.lease, .cancelled) }
        }
        return seconds.mapValues(Latency.init)
    }

    private static func register(_ pool: PostgresPool) async throws -> Claimant {
        let worker = UUID(), model = String(repeating: "0", count: 64)
        try await WorkerRegistry(pool: pool).register(WorkerRecord(
            id: worker, host: "bench", version: "bench", modelSHA256: model, modelCard: "{}", precision: "float32",
            analysisVersion: "bench", kinds: [.analyze], slots: 1))
        return Claimant(worker: worker, modelSHA256: model, kind: .analyze, leaseSeconds: 600)
    }

    /// A job of bytes of its own.
    private static func job() -> NewJob {
        let id = JobID.make()
        let digits = id.description.replacing("-", with: "")
        return NewJob(
            id: id, tenant: .default, options: JobOptions(), storeKey: "\(id.description.suffix(2))/\(id)", bytes: 10,
            sha256: String(digits.reversed()) + digits, mediaType: "application/octet-stream", isDispatched: false)
    }
}

extension [Double] {
    /// The value below which a share of these sorted ones lies.
    fileprivate func percentile(_ share: Double) -> Double {
        isEmpty ? 0 : self[Swift.min(count - 1, Int(Double(count) * share))]
    }
}
