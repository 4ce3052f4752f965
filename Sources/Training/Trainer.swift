import Detector
import Foundation
import NeuralCore

/// Trains a model to its recipe's end, or until it is asked to stop, and leaves at any moment a state from which the run goes on as if nothing
/// had happened: parameters, moments, averages and metrics.jsonl are the same to the byte as those of a run that was never interrupted.
public final class Trainer {
    /// What of a recipe the loop itself needs.
    public struct Settings: Sendable {
        /// Length of the run, at least 1.
        public var steps: Int
        public var loss: BinaryCrossEntropy
        public var optimiser: OptimiserSettings
        public var schedule: LearningRateSchedule
        /// Of the moving average, 0…<1.
        public var average: Double
        /// Steps from one validation to the next; 0 is never.
        public var validationEverySteps: Int
        /// Validations without a better AUC after which the run ends; 0 never ends it.
        public var patience: Int
        public var machine: Recipe.Machine
        public var identity: TrainingState.Identity
        /// In words, for the state.
        public var kernels: String

        public init(_ recipe: Recipe, steps: Int, data: String, kernels: String) {
            self.steps = steps
            self.kernels = kernels
            loss = recipe.loss
            optimiser = recipe.optimiser
            schedule = recipe.schedule
            average = recipe.average
            validationEverySteps = recipe.validation.everySteps
            patience = recipe.validation.patience
            machine = recipe.machine
            identity = TrainingState.Identity(recipe: recipe.digest, data: data)
        }
    }

    /// How a run ended.
    public enum Outcome: Sendable, Equatable {
        case finished(step: Int)
        /// By validation, before the last step.
        case stoppedEarly(step: Int)
        /// As it was asked to; the state is saved.
        case interrupted(step: Int)
    }

    /// What happens on the way, as it happens.
    public enum Event: Sendable {
        /// `smoothedLoss` is the loss's own moving average; `picturesPerSecond` and `secondsLeft` are of the last steps.
        case step(TrainingMetrics.Step, smoothedLoss: Double, picturesPerSecond: Double, secondsLeft: Double)
        case validation(TrainingMetrics.Validation)
        case saved(step: Int)
        case note(String)
    }

    let settings: Settings
    let model: any TrainableModel
    let folder: RunFolder
    private let source: any BatchSource
    private let validation: [ValidationSet]
    private let makeScorer: ScorerFactory
    private let optimiser: Optimiser
    private let sharpness: SharpnessPerturbation?
    private let average: MovingAverage
    private let statisticsAverage: MovingAverage
    private let best: (parameters: ParameterBuffer, statistics: ParameterBuffer)?
    private var state: TrainingState
    private var history: [TrainingMetrics] = []

    /// A run that begins with the model's present values. Optimiser and averages work on `team`, which the model may share.
    public init(
        _ settings: Settings, model: any TrainableModel, source: any BatchSource, validation: [ValidationSet], folder: RunFolder, team: ThreadTeam,
        makeScorer: @escaping ScorerFactory
    ) {
        precondition(settings.steps >= 1, "a run of \(settings.steps) steps")
        self.settings = settings
        self.model = model
        self.source = source
        self.validation = validation
        self.folder = folder
        self.makeScorer = makeScorer
        optimiser = Optimiser(settings.optimiser, layout: model.layout, team: team)
        let radius = settings.optimiser.sharpnessRadius
        sharpness = radius > 0 ? SharpnessPerturbation(radius: radius, layout: model.layout, team: team) : nil
        average = MovingAverage(decay: settings.average, of: model.parameters, team: team)
        statisticsAverage = MovingAverage(decay: settings.average, of: model.statistics, team: team)
        best = settings.patience > 0
            ? (ParameterBuffer(layout: model.layout), ParameterBuffer(layout: model.statistics.layout)) : nil
        state = TrainingState(
            identity: settings.identity, step: 0, metricsBytes: 0, kernels: settings.kernels, best: nil, validationsSinceBest: 0, isFinished: false,
            blocks: [])
    }

    /// The moving average: what the finished model is made of.
    public var result: (parameters: ParameterBuffer, statistics: ParameterBuffer) { (average.values, statisticsAverage.values) }

    /// The average that validated best, its step and its AUC; nil if the recipe does not stop early or nothing was validated.
    public var bestResult: (parameters: ParameterBuffer, statistics: ParameterBuffer, at: TrainingState.Best)? {
        guard let best, let at = state.best else { return nil }
        return (best.parameters, best.statistics, at)
    }

    /// The last step's metrics and the last validation's, for the model's card.
    public var lastValidation: TrainingMetrics.Validation? {
        for case .validation(let validation) in history.reversed() { return validation }
        return nil
    }

    /// What the moving average says of the sources of the last of its validation sets that has reals and fakes of held-out people; empty without.
    public func heldOutSources() throws -> [JudgedSource] {
        guard let set = validation.last(where: { set in
            set.name != ValidationSet.given && Set(set.pictures.items.map(\.isFake)).count == 2
        }) else { return [] }
        return try set.sources(makeScorer(model, average.values, statisticsAverage.values), loaders: settings.machine.loaders)
    }

    /// Trains. `shouldStop` is asked after each step; with true the state is saved and the run can be resumed.
    public func run(shouldStop: () -> Bool = { false }, report: (Event) -> Void = { _ in }) throws -> Outcome {
        let isResumed = access(folder.statePath, F_OK) == 0
        if isResumed { try load(report) }
        let log = try MetricsLog(path: folder.metricsPath, keeping: state.metricsBytes)
        let timings = try MetricsLog(path: folder.timingsPath, keeping: nil)
        history = try MetricsHistory.read(path: folder.metricsPath)
        if state.isFinished { return outcome() }
        // Before hours of work: a folder that cannot hold the state fails now.
        if !isResumed { try save(log, report) }
        let prefetch = BatchPrefetch(
            source, steps: state.step..<settings.steps, loaders: settings.machine.loaders, depth: settings.machine.batchesAhead)
        defer { prefetch.stop() }
        var pace = Pace(steps: settings.steps)
        while state.step < settings.steps {
            let begin = ContinuousClock.now
            let batch = try prefetch.next()
            let waited = ContinuousClock.now - begin
            let metrics = try learn(from: batch)
            try append(.step(metrics), to: log)
            let timing = pace.take(metrics, pictures: batch.count, duration: ContinuousClock.now - begin, waited: waited)
            try timings.append(timing)
            let left = pace.secondsLeft(after: state.step)
            report(.step(metrics, smoothedLoss: pace.smoothedLoss, picturesPerSecond: pace.picturesPerSecond, secondsLeft: left))
            let every = settings.validationEverySteps
            if every > 0, state.step % every == 0 || state.step == settings.steps { try validate(log, report) }
            state.isFinished = state.step == settings.steps || isOutOfPatience
            let isStopping = !state.isFinished && shouldStop()
            if state.isFinished || isStopping || state.step % settings.machine.saveEverySteps == 0 { try save(log, report) }
            if isStopping { return .interrupted(step: state.step) }
            if state.isFinished { break }
        }
        return outcome()
    }

    private var isOutOfPatience: Bool { settings.patience > 0 && state.validationsSinceBest >= settings.patience }

    private func outcome() -> Outcome {
        state.step < settings.steps ? .stoppedEarly(step: state.step) : .finished(step: state.step)
    }

    /// One step; nothing is changed if loss or gradient are not finite.
    private func learn(from batch: TrainingBatch) throws(TrainingError) -> TrainingMetrics.Step {
        let factor = settings.schedule.factor(step: state.step, of: settings.steps)
        let rates = Optimiser.Rates(backbone: settings.optimiser.rate * factor, head: settings.optimiser.headRate * factor)
        let (loss, logits) = try gradients(of: batch)
        var norm = optimiser.norm(of: model.gradients)
        try require(norm.isFinite, "the gradient")
        if let sharpness {
            // Running statistics are those of the step's own point, not of the one beside it.
            let statistics = Array(model.statistics.values)
            sharpness.climb(model.parameters, along: model.gradients, norm: norm)
            defer { sharpness.comeBack(model.parameters) }
            _ = try gradients(of: batch)
            _ = model.statistics.values.update(fromContentsOf: statistics)
            norm = optimiser.norm(of: model.gradients)
            try require(norm.isFinite, "the gradient beside the step's point")
        }
        optimiser.update(
            model.parameters, gradients: model.gradients, step: state.step + 1, rates: rates, gradientScale: optimiser.clipFactor(norm: norm))
        average.take(model.parameters, step: state.step)
        statisticsAverage.take(model.statistics, step: state.step)
        state.step += 1
        let right = zip(logits, batch.labels).count { ($0 > 0) == $1 }
        return TrainingMetrics.Step(
            step: state.step, loss: loss, accuracy: Double(right) / Double(batch.count), gradientNorm: norm, rate: rates.backbone,
            headRate: rates.head)
    }

    private func gradients(of batch: TrainingBatch) throws(TrainingError) -> (loss: Double, logits: [Double]) {
        let logits = batch.rgb.withUnsafeBytes { model.forward(rgb: $0, count: batch.count) }
        let (loss, slopes) = settings.loss.evaluate(logits: logits, labels: batch.labels, weights: batch.weights)
        try require(loss.isFinite, "the loss")
        model.backward(logitGradients: slopes)
        return (loss, logits)
    }

    private func require(_ isFinite: Bool, _ what: String) throws(TrainingError) {
        guard !isFinite else { return }
        throw .diverged(step: state.step + 1, what: what, savedStep: savedStep)
    }

    /// Step of the state in the folder.
    private var savedStep = 0

    private func validate(_ log: MetricsLog, _ report: (Event) -> Void) throws {
        guard !validation.isEmpty else { return }
        let scorer = try makeScorer(model, average.values, statisticsAverage.values)
        var sets: [String: ValidationResult] = [:]
        var decisive: Double?
        for set in validation {
            guard let result = try set.evaluate(scorer, loaders: settings.machine.loaders) else {
                throw TrainingError.diverged(step: state.step, what: "a logit of the validation", savedStep: savedStep)
            }
            sets[set.name] = result
            decisive = decisive ?? result.auc
        }
        let metrics = TrainingMetrics.Validation(step: state.step, sets: sets)
        try append(.validation(metrics), to: log)
        if let best, let auc = decisive {
            if auc > state.best?.auc ?? -1 {
                state.best = .init(step: state.step, auc: auc)
                state.validationsSinceBest = 0
                best.parameters.copy(from: average.values)
                best.statistics.copy(from: statisticsAverage.values)
            } else {
                state.validationsSinceBest += 1
            }
        }
        try DurableFile.write(folder.curvesPath, text: TrainingCurves(history, steps: settings.steps).svg)
        report(.validation(metrics))
    }

    private func append(_ metrics: TrainingMetrics, to log: MetricsLog) throws(TrainingError) {
        history.append(metrics)
        try log.append(metrics)
    }

    private var buffers: [(name: String, buffer: ParameterBuffer)] {
        var buffers = [("parameters", model.parameters), ("statistics", model.statistics)] + optimiser.moments
        buffers += [("average", average.values), ("average statistics", statisticsAverage.values)]
        if let best { buffers += [("best", best.parameters), ("best statistics", best.statistics)] }
        return buffers
    }

    private func load(_ report: (Event) -> Void) throws(TrainingError) {
        state = try TrainingState.read(from: folder.statePath, identity: settings.identity, buffers: buffers)
        savedStep = state.step
        if state.kernels != settings.kernels {
            report(.note("the run began with \(state.kernels) and goes on with \(settings.kernels): its bits are no longer those of one whole run"))
            state.kernels = settings.kernels
        }
        report(.note("going on after step \(state.step)"))
    }

    /// The metrics first, so that the state never knows of more than there is. What is not finite never takes the place of what was.
    private func save(_ log: MetricsLog, _ report: (Event) -> Void) throws(TrainingError) {
        guard buffers.allSatisfy({ $0.buffer.isFinite }) else {
            throw .diverged(step: state.step, what: "a parameter or moment", savedStep: savedStep)
        }
        try log.synchronize()
        state.metricsBytes = log.byteCount
        try state.write(to: folder.statePath, buffers: buffers)
        savedStep = state.step
        try DurableFile.write(folder.curvesPath, text: TrainingCurves(history, steps: settings.steps).svg)
        report(.saved(step: state.step))
    }
}
