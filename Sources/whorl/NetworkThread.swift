import Analysis
import Detector
import Foundation
import NeuralCore
import ThreadExecutor

/// Loads and runs networks on a thread of its own: both take a good part of a second.
actor NetworkThread {
    private let executor = ThreadExecutor(name: "whorl-network")

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// The network of a native checkpoint.
    func load(path: String, threads: Int, selection: KernelSelection) throws(CommandFailure) -> ResNetDetector {
        do throws(CheckpointError) {
            return try ResNetDetector(checkpoint: Checkpoint.open(path: path), threads: threads, selection: selection)
        } catch {
            throw CommandFailure(.failure, code: "bad_checkpoint", "\(error)").about(path)
        }
    }

    /// What the model of a native checkpoint looks at; quick, since its tensors are not read.
    static func region(path: String) throws(CommandFailure) -> AnalysisRegion {
        let card: ModelCard
        do throws(CheckpointError) {
            card = try Checkpoint.card(path: path)
        } catch {
            throw CommandFailure(.failure, code: "bad_checkpoint", "\(error)").about(path)
        }
        do throws(FaceDetectorError) {
            return try AnalysisRegion(card: card)
        } catch {
            throw CommandFailure(.failure, code: "face_detector_missing", "\(error)")
        }
    }

    /// Compares what the network computes with a reference file.
    func verify(_ detector: ResNetDetector, referencePath: String) throws(VerificationError) -> ModelVerification {
        try ModelVerification.run(detector: detector, referencePath: referencePath)
    }
}

/// Where the model is when nobody says.
enum ModelLocation {
    static let variable = "WHORL_MODEL_PATH"

    /// The option's value, else the environment's, else the model that comes with the program.
    static func resolve(_ option: String?) throws(CommandFailure) -> String {
        if let option { return option }
        if let path = ProcessInfo.processInfo.environment[variable], !path.isEmpty { return path }
        guard let path = ShippedModel.path else {
            throw CommandFailure(
                .failure, code: "model_missing",
                "no model, and the one that comes with the program is not where it was installed: give --model PATH, set \(variable), or make one "
                    + "with `whorl train` or `whorl model import`")
        }
        return path
    }
}
