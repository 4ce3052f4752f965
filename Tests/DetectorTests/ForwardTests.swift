import Detector
import NeuralCore
import Synchronization
import Testing

@Suite("Forward pass")
struct ForwardTests {
    private let values: NetworkValues
    private let input: Tensor

    init() throws {
        values = try NetworkValues.load()
        input = SeededValues.frames(seed: values.seed, count: values.frames)
    }

    /// Every way in which this CPU can compute in float32.
    static let floatSelections: [KernelSelection] = KernelSet.available.compactMap {
        try? KernelSelection(precision: .float32, kernels: $0)
    }

    @Test("every layer equals PyTorch's within 1e-4 of its largest value", arguments: floatSelections)
    func layers(selection: KernelSelection) throws {
        let detector = try ResNetDetector(checkpoint: SeededNetwork.checkpoint(), threads: 1, selection: selection)
        var outputs: [String: [[Float]]] = [:]
        _ = try detector.evaluate(input: input) { _, layer, shape, values in
            outputs[layer, default: []].append(Self.planar(Array(values), shape: shape))
        }
        // The first convolution's output only exists pooled, and the mean over the picture is a feature.
        let compared = values.layers.filter { $0.name != "conv1" && $0.name != "avgpool" }
        #expect(Set(outputs.keys) == Set(compared.map(\.name)))
        for layer in compared {
            let all = (outputs[layer.name] ?? []).flatMap { $0 }
            try #require(all.count == values.frames * layer.shape.reduce(1, *), "\(layer.name)")
            let norm = all.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
            #expect(abs(norm - layer.norm) <= 1e-4 * layer.norm, "\(layer.name)")
            for (index, expected) in zip(layer.indices, layer.values) {
                #expect(abs(Double(all[index]) - expected) <= 1e-4 * layer.maximum, "\(layer.name)[\(index)]")
            }
        }
    }

    /// `[height, width, channels]` to PyTorch's `[channels, height, width]`.
    static func planar(_ values: [Float], shape: [Int]) -> [Float] {
        let places = shape[0] * shape[1]
        return (0..<shape[2]).flatMap { channel in (0..<places).map { values[$0 * shape[2] + channel] } }
    }

    @Test("logit, features and maps equal PyTorch's", arguments: ModelCard.Head.allCases)
    func outputs(head: ModelCard.Head) throws {
        let detector = try ResNetDetector(
            checkpoint: SeededNetwork.checkpoint(head: head), threads: 2, selection: KernelSelection(precision: .float32))
        let output = try detector.evaluate(input: input)
        let expected = try #require(values.heads[head.rawValue])
        #expect(abs(output.logit - expected.logit) <= 1e-4)
        for (logit, wanted) in zip(output.frameLogits, expected.frameLogits) { #expect(abs(logit - wanted) <= 1e-4) }
        #expect(relativeDifference(output.features.elements, values.features) <= 1e-4)
        #expect(output.maps.shape == [values.frames, 7, 7])
        #expect(relativeDifference(output.maps.elements, expected.cam) <= 1e-4)
    }

    @Test("contributions sum to the logit, maps to the logit less its bias", arguments: ModelCard.Head.allCases)
    func sums(head: ModelCard.Head) throws {
        let detector = try ResNetDetector(checkpoint: SeededNetwork.checkpoint(head: head), threads: 2)
        let output = try detector.evaluate(input: input)
        let mapSum = output.maps.elements.reduce(0.0) { $0 + Double($1) }
        #expect(abs(mapSum - (output.logit - output.headBias)) <= 1e-4)
        #expect(abs(output.contributions.reduce(0, +) - output.logit) <= 1e-9 * max(1, abs(output.logit)) + 1e-6)
        #expect(output.mapRange.lowerBound == output.maps.elements.min())
        #expect(output.map(frame: 2) == Array(output.maps.elements[98..<147]))
        if head == .linear { #expect(abs(output.headBias - Double(SeededNetwork.linear["fc.bias"]?.elements[0] ?? .nan)) < 1e-12) }
    }

    @Test("a frame's logit is the same to the bit in any clip, on any number of threads", arguments: PrecisionTests.selections)
    func bitEqual(selection: KernelSelection) throws {
        let checkpoint = try SeededNetwork.checkpoint()
        let isSlow = selection.kernels == .reference
        let clip = SeededValues.frames(seed: 9, count: isSlow ? 2 : 17)
        let frameCount = 3 * 224 * 224
        let detectors = try [1, 2, 3].map { try ResNetDetector(checkpoint: checkpoint, threads: $0, selection: selection) }
        let expected = try detectors[0].evaluate(input: clip)
        let elements = clip.elements
        let orders = isSlow ? [[1, 0]] : [[0], [3], [1, 4], [16, 3, 2, 1, 0], [2, 2, 2], Array((0..<17).reversed())]
        for detector in detectors {
            for order in orders {
                let values = order.flatMap { elements[$0 * frameCount..<($0 + 1) * frameCount] }
                let output = try detector.evaluate(input: Tensor(shape: [order.count, 3, 224, 224], elements: values))
                for (place, frame) in order.enumerated() {
                    #expect(output.frameLogits[place].bitPattern == expected.frameLogits[frame].bitPattern)
                    let features = output.features.elements[place * 512..<(place + 1) * 512]
                    #expect(Array(features) == Array(expected.features.elements[frame * 512..<(frame + 1) * 512]))
                }
            }
        }
    }

    @Test("calls at the same time do not disturb each other")
    func concurrentCalls() throws {
        let detector = try ResNetDetector(checkpoint: SeededNetwork.checkpoint(), threads: 2)
        let expected = try detector.evaluate(input: input).logit
        let input = input
        let differing = Atomic<Int>(0)
        ThreadTeam(size: 4).forEach(4) { _, _ in
            do {
                if try detector.evaluate(input: input).logit != expected { differing.add(1, ordering: .relaxed) }
            } catch {
                differing.add(1, ordering: .relaxed)
            }
        }
        #expect(differing.load(ordering: .relaxed) == 0)
    }

    @Test("bytes are judged as their normalised floats are, in both forms")
    func bytes() throws {
        let detector = try ResNetDetector(checkpoint: SeededNetwork.checkpoint(), threads: 2)
        let pixels = 224 * 224
        let frames = (0..<2).map { frame in
            SeededValues.uniform(seed: 4, name: "bytes\(frame)", count: pixels * 3).map { UInt8(($0 + 1) * 127.5) }
        }
        let byFrames = try detector.evaluate(frames: frames)
        let byBytes = try frames.flatMap { $0 }.withUnsafeBytes { try detector.evaluate(rgb: $0, frameCount: 2) }
        var planar = [Float](repeating: 0, count: 2 * pixels * 3)
        for frame in 0..<2 {
            for pixel in 0..<pixels {
                for channel in 0..<3 {
                    let value = Float(frames[frame][pixel * 3 + channel]) / 255
                    let normalised = (value - Float(ModelCard.imageNetMean[channel])) / Float(ModelCard.imageNetStd[channel])
                    planar[(frame * 3 + channel) * pixels + pixel] = normalised
                }
            }
        }
        let byTensor = try detector.evaluate(input: Tensor(shape: [2, 3, 224, 224], elements: planar))
        #expect(byFrames.logit == byBytes.logit && byFrames.maps == byBytes.maps)
        #expect(byFrames.logit == byTensor.logit)
    }

    @Test("one frame and the most frames are taken, none and more are refused")
    func frameCounts() throws {
        let detector = try ResNetDetector(checkpoint: SeededNetwork.checkpoint(), threads: 2)
        let frame = [UInt8](repeating: 90, count: 224 * 224 * 3)
        #expect(try detector.evaluate(frames: [frame]).frameLogits.count == 1)
        let most = try detector.evaluate(frames: Array(repeating: frame, count: ResNetDetector.maximumFrames))
        #expect(Set(most.frameLogits).count == 1)
        #expect(throws: DetectorError.frameCount(0)) { try detector.evaluate(frames: []) }
        #expect(throws: DetectorError.frameCount(65)) { try detector.evaluate(frames: Array(repeating: frame, count: 65)) }
        #expect(throws: DetectorError.inputSize(expected: "150528 bytes", found: "5 bytes")) {
            try detector.evaluate(frames: [[1, 2, 3, 4, 5]])
        }
        #expect(throws: DetectorError.self) {
            try detector.evaluate(input: Tensor(shape: [1, 3, 4, 4], elements: [Float](repeating: 0, count: 48)))
        }
    }

    @Test("an input or a logit that is not finite is an error, never a verdict", arguments: [1, 2])
    func notFinite(threads: Int) throws {
        let detector = try ResNetDetector(checkpoint: SeededNetwork.checkpoint(), threads: threads)
        for bad in [Float.nan, .infinity] {
            var values = input.elements
            values[2 * 3 * 224 * 224 + 12345] = bad
            #expect(throws: DetectorError.inputNotFinite(frame: 2)) {
                try detector.evaluate(input: Tensor(shape: input.shape, elements: values))
            }
        }
        let huge = Tensor(shape: [1, 3, 224, 224], elements: [Float](repeating: 3e38, count: 3 * 224 * 224))
        #expect(throws: DetectorError.self) { try detector.evaluate(input: huge) }
    }

    private func relativeDifference(_ computed: [Float], _ expected: [Double]) -> Double {
        guard computed.count == expected.count else { return .infinity }
        let largest = expected.map(abs).max() ?? 0
        return zip(computed, expected).map { abs(Double($0) - $1) }.reduce(0, max) / largest
    }
}
