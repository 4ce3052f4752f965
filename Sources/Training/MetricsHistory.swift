import Foundation

/// Reads metrics.jsonl back, for the curves of a run that goes on.
enum MetricsHistory {
    static func read(path: String) throws(TrainingError) -> [TrainingMetrics] {
        let data: Data
        do {
            data = try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            throw .state(path: path, reason: "it cannot be read: \(error.localizedDescription)")
        }
        let decoder = JSONDecoder()
        var history: [TrainingMetrics] = []
        for (number, line) in data.split(separator: UInt8(ascii: "\n")).enumerated() {
            do {
                history.append(try decoder.decode(TrainingMetrics.self, from: line))
            } catch {
                throw .state(path: path, reason: "line \(number + 1) is damaged")
            }
        }
        return history
    }
}
