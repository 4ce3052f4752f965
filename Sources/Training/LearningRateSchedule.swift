import Foundation

/// By what the learning rates are multiplied at each step.
public struct LearningRateSchedule: Codable, Sendable, Equatable {
    public enum Form: String, Codable, Sendable, CaseIterable {
        /// Half a cosine from 1 to `floor` over all steps after the warm-up (Loshchilov and Hutter 2017, arXiv:1608.03983, without restarts).
        case cosine
        /// 1, then a straight line to `floor` over the last `decayShare` of all steps.
        case linear
        /// 1.
        case constant
    }

    public var form: Form
    /// Steps over which the rate rises in a straight line, 0 or more; the first step has 1/warmUpSteps of it.
    public var warmUpSteps: Int
    /// Of `linear`: the share of all steps over which the rate falls, 0…1.
    public var decayShare: Double
    /// What is left of the rate at the end, 0…1.
    public var floor: Double

    public init(form: Form = .cosine, warmUpSteps: Int = 40, decayShare: Double = 0.25, floor: Double = 0.01) {
        self.form = form
        self.warmUpSteps = warmUpSteps
        self.decayShare = decayShare
        self.floor = floor
    }

    /// The factor, 0…1, at a step counted from 0 of `steps` in all.
    public func factor(step: Int, of steps: Int) -> Double {
        if step < warmUpSteps { return Double(step + 1) / Double(warmUpSteps) }
        switch form {
        case .constant: return 1
        case .cosine:
            let share = Double(step - warmUpSteps) / Double(max(1, steps - warmUpSteps))
            return floor + (1 - floor) * (1 + cos(.pi * min(1, share))) / 2
        case .linear:
            let length = decayShare * Double(steps)
            let left = Double(steps - step)
            guard left < length else { return 1 }
            return floor + (1 - floor) * max(0, left) / length
        }
    }
}
