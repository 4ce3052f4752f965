import NeuralCore

/// Proves that a checkpoint computes here what it computed elsewhere.
///
/// The reference is a safetensors file with `input` `[T, 3, 224, 224]`, `logit` (one value) and, optionally,
/// `features` `[T, 512]` and `cam` `[T, 7, 7]`: the signed Grad-CAM from autograd, without max(0, x).
public struct ModelVerification: Sendable {
    /// How far one tensor is from the reference's.
    public struct Comparison: Sendable {
        public let name: String
        /// Largest absolute difference.
        public let absolute: Double
        /// Largest absolute difference over the reference's largest absolute value.
        public let relative: Double
        /// What the difference is held against: `absolute` for the logit, `relative` otherwise.
        public let tolerance: Double
        public let passed: Bool
    }

    /// Largest absolute difference of the logit that passes in a precision. float32: some hundred times its rounding in this network; split: its
    /// bound; bfloat16: what moves P(fake) by 0.02 at most, for a clip of any number of frames.
    public static func logitTolerance(_ precision: Precision) -> Double {
        precision == .bfloat16 ? 0.08 : 1e-4
    }

    /// Largest relative difference of features and maps that passes in a precision.
    public static func relativeTolerance(_ precision: Precision) -> Double {
        precision == .bfloat16 ? 0.08 : 1e-4
    }

    /// One for each tensor of the reference, the logit first.
    public let comparisons: [Comparison]
    /// Frames of the reference's input.
    public let frames: Int
    /// The logit computed here.
    public let logit: Double

    /// True if every difference is within its tolerance.
    public var passed: Bool { comparisons.allSatisfy(\.passed) }

    /// Runs the detector on the reference's input and compares. Blocks like `ResNetDetector.evaluate`.
    public static func run(
        detector: ResNetDetector, referencePath: String
    ) throws(VerificationError) -> ModelVerification {
        let tensors = try load(referencePath)
        guard let input = tensors["input"] else { throw .badTensor(name: "input", detail: "is missing") }
        guard let logit = tensors["logit"] else { throw .badTensor(name: "logit", detail: "is missing") }
        guard logit.count == 1 else { throw .badTensor(name: "logit", detail: "is \(logit.shape), one value expected") }
        let output: DetectorOutput
        do {
            output = try detector.evaluate(input: input)
        } catch {
            throw .detector(error)
        }

        let precision = detector.plan.selection.precision
        let logitTolerance = logitTolerance(precision)
        let difference = abs(output.logit - Double(logit.elements[0]))
        var comparisons = [
            Comparison(
                name: "logit", absolute: difference, relative: difference / max(abs(Double(logit.elements[0])), 1e-30),
                tolerance: logitTolerance, passed: difference <= logitTolerance)
        ]
        for (name, computed) in [("features", output.features), ("cam", output.maps)] {
            guard let reference = tensors[name] else { continue }
            comparisons.append(
                try compare(name, computed: computed, reference: reference, tolerance: relativeTolerance(precision)))
        }
        return ModelVerification(comparisons: comparisons, frames: input.shape[0], logit: output.logit)
    }

    private static func load(_ path: String) throws(VerificationError) -> [String: Tensor] {
        var tensors: [String: Tensor] = [:]
        do {
            let file = try MappedFile(path: path)
            guard SafetensorsFile.matches(file.bytes) else { throw CheckpointError.notACheckpoint("it is no safetensors file") }
            for entry in try SafetensorsFile(file: file).entries where entry.type.isFloat {
                let tensor = try entry.load()
                guard tensor.isFinite else { throw CheckpointError.notFinite(tensor: entry.name) }
                tensors[entry.name] = tensor
            }
        } catch let error as CheckpointError {
            throw .reference(error)
        } catch {
            throw .reference(.unreadable(path: path, reason: "\(error)"))
        }
        return tensors
    }

    private static func compare(
        _ name: String, computed: Tensor, reference: Tensor, tolerance: Double
    ) throws(VerificationError) -> Comparison {
        guard computed.shape == reference.shape else {
            throw .badTensor(name: name, detail: "is \(reference.shape), \(computed.shape) expected")
        }
        var absolute = 0.0
        var largest = 0.0
        for (a, b) in zip(computed.elements, reference.elements) {
            absolute = max(absolute, Double(abs(a - b)))
            largest = max(largest, Double(abs(b)))
        }
        let relative = absolute == 0 ? 0 : absolute / max(largest, 1e-30)
        return Comparison(
            name: name, absolute: absolute, relative: relative, tolerance: tolerance, passed: relative <= tolerance)
    }
}
