import Detector
import Foundation
import NeuralCore
import Testing

@Suite("Model verification")
struct VerificationTests {
    private let values: NetworkValues
    private let input: Tensor
    private let detector: ResNetDetector
    private let folder: TemporaryFolder

    init() throws {
        values = try NetworkValues.load()
        input = SeededValues.frames(seed: values.seed, count: values.frames)
        detector = try ResNetDetector(checkpoint: SeededNetwork.checkpoint(), threads: 2)
        folder = try TemporaryFolder()
    }

    private func reference(logitOffset: Double = 0, camFactor: Double = 1, shape: [Int]? = nil) throws -> String {
        let head = try #require(values.heads["linear"])
        let features = Tensor(shape: [values.frames, 512], elements: values.features.map { Float($0) })
        let cam = Tensor(shape: shape ?? [values.frames, 7, 7], elements: head.cam.map { Float($0 * camFactor) })
        let raw = RawSafetensors(tensors: [
            ("input", input), ("logit", Tensor(shape: [1], elements: [Float(head.logit + logitOffset)])),
            ("features", features), ("cam", cam),
        ])
        return try folder.write(raw.data, "reference.safetensors")
    }

    @Test("PyTorch's own values pass")
    func passes() throws {
        let result = try ModelVerification.run(detector: detector, referencePath: reference())
        #expect(result.passed && result.frames == values.frames)
        #expect(result.comparisons.map(\.name) == ["logit", "features", "cam"])
    }

    @Test("a logit or a map that differs fails, and only that")
    func fails() throws {
        let logit = try ModelVerification.run(detector: detector, referencePath: reference(logitOffset: 2e-4))
        #expect(!logit.passed && logit.comparisons.filter { !$0.passed }.map(\.name) == ["logit"])
        let cam = try ModelVerification.run(detector: detector, referencePath: reference(camFactor: 1.001))
        #expect(!cam.passed && cam.comparisons.filter { !$0.passed }.map(\.name) == ["cam"])
        let other = try ResNetDetector(checkpoint: Checkpoint.initialised(seed: 1), threads: 2)
        let result = try ModelVerification.run(detector: other, referencePath: reference())
        #expect(result.comparisons.allSatisfy { !$0.passed })
    }

    @Test("a reference that cannot be used says why")
    func badReferences() throws {
        func message(_ path: String) -> String {
            do {
                _ = try ModelVerification.run(detector: detector, referencePath: path)
                return "no error"
            } catch {
                return error.description
            }
        }
        #expect(message("/no/such/file").contains("cannot be read"))
        #expect(message(try folder.write(Data("text".utf8), "text")).contains("no safetensors file"))
        #expect(message(try reference(shape: [values.frames, 49])).contains("cam is [3, 49], [3, 7, 7] expected"))
        let lone = RawSafetensors(tensors: [("logit", Tensor(shape: [1], elements: [1]))])
        #expect(message(try folder.write(lone.data, "lone")).contains("input is missing"))
        let small = RawSafetensors(tensors: [
            ("input", Tensor(shape: [1, 3], elements: [1, 2, 3])), ("logit", Tensor(shape: [1], elements: [1])),
        ])
        #expect(message(try folder.write(small.data, "small")).contains("[T, 3, 224, 224] wanted"))
    }
}
