import Foundation

/// The folder of one run and the names in it. While it is open no other process trains in it.
public final class RunFolder {
    public let path: String
    private let lock: Int32

    public var statePath: String { path + "/state.whorl" }
    /// One JSON object a line, the same bytes in every run of one recipe.
    public var metricsPath: String { path + "/metrics.jsonl" }
    /// As above, but how long it took and when.
    public var timingsPath: String { path + "/timings.jsonl" }
    public var curvesPath: String { path + "/curves.svg" }
    /// The recipe with every value.
    public var recipePath: String { path + "/recipe.json" }
    public var modelPath: String { path + "/model.safetensors" }
    /// Only where a recipe stops early: the average that validated best.
    public var bestPath: String { path + "/best.safetensors" }

    /// The finished model's logits of held-out people and of fakes made of them, where there are both: what `whorl calibrate --fit` takes.
    public var heldOutPath: String { path + "/held-out.json" }

    /// Makes the folder, or opens one that is there: only with `resuming`, unless it is empty.
    public init(path: String, resuming: Bool) throws(TrainingError) {
        self.path = path
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            if !resuming, try !FileManager.default.contentsOfDirectory(atPath: path).isEmpty {
                throw TrainingError.state(
                    path: path, reason: "the folder is not empty; --resume goes on with a run in it, another folder starts a new one")
            }
        } catch let error as TrainingError {
            throw error
        } catch {
            throw .unwritable(path: path, reason: error.localizedDescription)
        }
        lock = open(path + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard lock >= 0 else { throw .unwritable(path: path, reason: DurableFile.lastError()) }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            close(lock)
            throw .state(path: path, reason: "another process trains in it")
        }
    }

    deinit {
        close(lock)
    }
}
