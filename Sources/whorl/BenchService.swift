import ArgumentParser
import Foundation

/// How the benchmarks take turns with others: a line of standard input says how many runs, a line of standard output how many seconds each took.
enum BenchService {
    private static let runsRange = 1...100_000

    static func check(runs: Int) throws {
        guard runsRange.contains(runs) else { throw ValidationError("--runs must be 1 to \(runsRange.upperBound)") }
    }

    /// Answers each integer n with the seconds of n runs as one JSON list, until the input ends.
    static func serve(on thread: NetworkThread, _ time: (Int) async throws -> [Double]) async throws {
        while let line = await thread.nextLine() {
            guard let count = Int(line.trimmingCharacters(in: .whitespaces)), runsRange.contains(count) else {
                throw CommandFailure(
                    .usage, code: "bad_request",
                    "\"\(Terminal.printable(String(line.prefix(80))))\" on standard input: a number of runs is wanted, 1 to "
                        + "\(runsRange.upperBound)")
            }
            try printLine(try await time(count))
        }
    }

    static func printLine(_ values: some Encodable) throws {
        print(String(decoding: try JSONEncoder().encode(values), as: UTF8.self))
        // Whoever waits for the line may read from a pipe.
        fflush(nil)
    }

    /// Median and range, in milliseconds.
    static func summary(of seconds: [Double]) -> String {
        let sorted = seconds.sorted()
        let (least, most) = ((sorted.first ?? 0) * 1e3, (sorted.last ?? 0) * 1e3)
        return "median \((sorted.median * 1e3).text(2)) ms (\(least.text(2)) to \(most.text(2))) over \(seconds.count) runs"
    }
}
