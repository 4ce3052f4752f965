import Detector
import NeuralCore

/// What the trainer drives: a network with its gradients.
public protocol TrainableModel: AnyObject {
    /// Its parameters' names and places.
    var layout: ParameterLayout { get }
    /// What is learnt.
    var parameters: ParameterBuffer { get }
    /// What `backward` fills.
    var gradients: ParameterBuffer { get }
    /// What a forward measures beside (means and variances); of an empty layout where there is nothing.
    var statistics: ParameterBuffer { get }
    /// One logit a picture of `[count, 224, 224, 3]` bytes of RGB; keeps what `backward` needs.
    func forward(rgb: UnsafeRawBufferPointer, count: Int) -> [Double]
    /// Overwrites `gradients` with those of the last forward's loss, given the loss's gradient by each logit.
    func backward(logitGradients: [Double])
    /// A checkpoint of the given values under a card.
    func checkpoint(card: ModelCard, parameters: ParameterBuffer, statistics: ParameterBuffer) throws(CheckpointError) -> Checkpoint
}

/// Judges pictures with values that no longer change.
public protocol PictureScoring {
    /// One logit a picture of `[count, 224, 224, 3]` bytes of RGB.
    func logits(rgb: [UInt8], count: Int) throws -> [Double]
}

/// Makes the judge of a moving average; validation asks anew each time.
public typealias ScorerFactory = (
    _ model: any TrainableModel, _ parameters: ParameterBuffer, _ statistics: ParameterBuffer
) throws -> any PictureScoring

/// The detector that will serve, of the values at hand: validation sees what a user would.
public struct DetectorScorer: PictureScoring {
    private let detector: ResNetDetector

    /// Compiles the values' checkpoint; `card` tells the head's kind and the input's normalisation.
    public init(_ checkpoint: Checkpoint, threads: Int, selection: KernelSelection) throws(CheckpointError) {
        detector = try ResNetDetector(checkpoint: checkpoint, threads: threads, selection: selection)
    }

    public func logits(rgb: [UInt8], count: Int) throws -> [Double] {
        var logits: [Double] = []
        let bytes = PictureSize.bytes
        for start in stride(from: 0, to: count, by: ResNetDetector.maximumFrames) {
            let end = min(count, start + ResNetDetector.maximumFrames)
            logits += try rgb.withUnsafeBytes { all in
                try detector.evaluate(rgb: UnsafeRawBufferPointer(rebasing: all[start * bytes..<end * bytes]), frameCount: end - start).frameLogits
            }
        }
        return logits
    }
}

/// The network's input.
public enum PictureSize {
    /// Pixels a side.
    public static let side = ResNetDetector.inputSize
    /// Bytes of RGB24 of one picture.
    public static let bytes = side * side * 3
}
