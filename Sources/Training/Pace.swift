import Foundation

/// How fast a run is, from its last steps.
struct Pace {
    /// Weight of a new step in the moving averages.
    private static let share = 0.05

    private let steps: Int
    private var seconds: Double?
    private var pictures = 0
    private var loss: Double?

    init(steps: Int) {
        self.steps = steps
    }

    var smoothedLoss: Double { loss ?? 0 }
    var picturesPerSecond: Double { seconds.map { Double(pictures) / max($0, 1e-9) } ?? 0 }

    func secondsLeft(after step: Int) -> Double { (seconds ?? 0) * Double(steps - step) }

    mutating func take(_ metrics: TrainingMetrics.Step, pictures: Int, duration: Duration, waited: Duration) -> StepTiming {
        let taken = duration / .seconds(1)
        self.pictures = pictures
        seconds = seconds.map { $0 + Self.share * (taken - $0) } ?? taken
        loss = loss.map { $0 + Self.share * (metrics.loss - $0) } ?? metrics.loss
        return StepTiming(
            step: metrics.step, picturesPerSecond: Double(pictures) / max(taken, 1e-9), seconds: taken, waitingSeconds: waited / .seconds(1),
            time: Date.now.timeIntervalSince1970)
    }
}
