import Detector
import Foundation
import NeuralCore
import Synchronization
import Testing

/// The face detector against facenet-pytorch's stored results.
@Suite("Face detector")
struct FaceDetectorTests {
    private let values: FaceValues

    init() throws { values = try FaceValues.load() }

    /// Every way in which this CPU computes in float32 within a test's patience.
    static let selections: [KernelSelection] = ForwardTests.floatSelections.filter { $0.kernels != .reference }

    private static func find(_ detector: FaceDetector, _ pixels: [UInt8], _ picture: FaceValues.Picture) -> [DetectedFace] {
        pixels.withUnsafeBytes {
            detector.detect(
                pixels: $0, width: picture.width, height: picture.height, rowBytes: 3 * picture.width,
                minimumFacePixels: picture.minimum)
        }
    }

    private static func overlap(_ face: DetectedFace, _ box: [Float]) -> Float {
        let width = max(0, min(face.x + face.width, box[2]) - max(face.x, box[0]))
        let height = max(0, min(face.y + face.height, box[3]) - max(face.y, box[1]))
        let shared = width * height
        return shared / (face.width * face.height + (box[2] - box[0]) * (box[3] - box[1]) - shared)
    }

    @Test("the pictures are those that facenet-pytorch saw")
    func pictures() throws {
        for picture in values.pictures {
            #expect(FaceValues.checksum(try values.pixels(of: picture)) == picture.checksum, "\(picture.name)")
        }
        #expect(values.pictures.contains { $0.faces.count > 1 } && values.pictures.contains { $0.faces.isEmpty })
    }

    @Test("the same faces, boxes, scores and landmarks, and no others", arguments: selections)
    func agreement(selection: KernelSelection) throws {
        for picture in values.pictures {
            let detector = try FaceDetector(selection: selection)
            let faces = Self.find(detector, try values.pixels(of: picture), picture)
            try #require(faces.count == picture.faces.count, "\(picture.name): \(faces)")
            for (face, expected) in zip(faces, picture.faces) {
                // What has to hold is a tenth of the box and 2 % of its width; the arithmetic being the same, far less is off.
                #expect(Self.overlap(face, expected.box) >= 0.999, "\(picture.name): \(face)")
                #expect(abs(face.score - expected.score) <= 1e-4, "\(picture.name)")
                try #require(face.landmarks.count == 5)
                for (point, wanted) in zip(face.landmarks, expected.landmarks) {
                    let distance = max(abs(point.x - wanted[0]), abs(point.y - wanted[1]))
                    #expect(distance <= 0.001 * face.width, "\(picture.name): \(point), should be \(wanted)")
                }
            }
            #expect(faces.map { $0.width * $0.height } == faces.map { $0.width * $0.height }.sorted(by: >))
        }
    }

    @Test("each net's outputs equal PyTorch's within 1e-4", arguments: ForwardTests.floatSelections, FaceNet.allCases)
    func nets(selection: KernelSelection, net: FaceNet) throws {
        let expected = try #require(values.nets[net.rawValue])
        let shape = [expected.frames, 3, expected.height, expected.width]
        let input = SeededValues.uniform(seed: values.seed, name: net.rawValue, count: shape.reduce(1, *)).map { Float($0) }
        let detector = try FaceDetector(selection: selection)
        let outputs = try detector.outputs(of: net, planes: Tensor(shape: shape, elements: input))
        #expect(Array(outputs.shape.dropLast()) == Array(expected.shape.dropLast()))
        let (count, wantedCount) = (outputs.shape[3], expected.shape[3])
        let elements = outputs.elements
        for place in 0..<elements.count / count {
            let found = elements[place * count..<(place + 1) * count]
            let probability = 1 / (1 + expf(found[found.startIndex] - found[found.startIndex + 1]))
            let wanted = expected.values[place * wantedCount..<(place + 1) * wantedCount]
            // PyTorch's order: the probability, the four offsets, the points.
            let compared = [probability] + found.dropFirst(2)
            try #require(compared.count == wanted.count)
            for (value, other) in zip(compared, wanted) { #expect(abs(value - other) <= 1e-4, "\(net) at \(place)") }
        }
    }

    @Test("calls at the same time, and pictures of other sizes between, change nothing")
    func concurrentCalls() throws {
        let detector = try FaceDetector()
        let chosen = values.pictures.filter { ["one", "two", "odd", "dark", "edge", "turned"].contains($0.name) }
        let pixels = try chosen.map { try values.pixels(of: $0) }
        let expected = zip(pixels, chosen).map { Self.find(detector, $0, $1) }
        let differing = Atomic<Int>(0)
        ThreadTeam(size: 3).forEach(12) { _, index in
            let which = index % chosen.count
            if Self.find(detector, pixels[which], chosen[which]) != expected[which] { differing.add(1, ordering: .relaxed) }
        }
        #expect(differing.load(ordering: .relaxed) == 0)
    }

    @Test("a search for smaller faces and one for larger ones in the same picture do not disturb each other")
    func minimumSizes() throws {
        let detector = try FaceDetector()
        let picture = try #require(values.pictures.first { $0.name == "two" })
        let pixels = try values.pixels(of: picture)
        func find(_ minimum: Int) -> [DetectedFace] {
            pixels.withUnsafeBytes {
                detector.detect(
                    pixels: $0, width: picture.width, height: picture.height, rowBytes: 3 * picture.width, minimumFacePixels: minimum)
            }
        }
        let usual = find(picture.minimum)
        for minimum in [12, 31, picture.minimum / 2 + 6] {
            #expect(find(minimum).count >= usual.count)
            #expect(find(picture.minimum) == usual)
        }
        #expect(find(min(picture.width, picture.height) + 1).isEmpty)
    }

    @Test("rows may have bytes between them")
    func paddedRows() throws {
        let picture = try #require(values.pictures.first { $0.name == "odd" })
        let pixels = try values.pixels(of: picture)
        let detector = try FaceDetector()
        let rowBytes = 3 * picture.width + 13
        var padded = [UInt8](repeating: 255, count: rowBytes * picture.height - 13)
        for row in 0..<picture.height {
            for byte in 0..<3 * picture.width { padded[row * rowBytes + byte] = pixels[row * 3 * picture.width + byte] }
        }
        let faces = padded.withUnsafeBytes {
            detector.detect(
                pixels: $0, width: picture.width, height: picture.height, rowBytes: rowBytes, minimumFacePixels: picture.minimum)
        }
        #expect(faces == Self.find(detector, pixels, picture) && !faces.isEmpty)
    }

    @Test("pictures of extreme sizes and contents are searched without a crash and have no faces")
    func extremes() throws {
        let detector = try FaceDetector()
        for (width, height) in [(1, 1), (39, 500), (40, 40), (41, 43), (3000, 41), (40, 700)] {
            for value in [UInt8(0), 128, 255] {
                let pixels = [UInt8](repeating: value, count: 3 * width * height)
                let faces = pixels.withUnsafeBytes { detector.detect(pixels: $0, width: width, height: height, rowBytes: 3 * width) }
                #expect(faces.isEmpty, "\(width) × \(height) of \(value): \(faces)")
            }
        }
        var random = SeededBytes(seed: 3)
        let noise = (0..<3 * 320 * 240).map { _ in random.next() }
        let faces = noise.withUnsafeBytes { detector.detect(pixels: $0, width: 320, height: 240, rowBytes: 960) }
        #expect(faces.isEmpty)
    }

    @Test("weights that are missing, not those of the nets, or broken are named")
    func brokenWeights() throws {
        let folder = try TemporaryFolder()
        let path = folder.url.appendingPathComponent("weights.safetensors").path
        #expect(throws: FaceDetectorError.self) { try FaceDetector(path: path) }
        try Data("no weights".utf8).write(to: URL(fileURLWithPath: path))
        #expect(throws: FaceDetectorError.weights(.notACheckpoint("\(path) is no safetensors file"))) { try FaceDetector(path: path) }
        let other = RawSafetensors(tensors: [("pnet.conv1.bias", Tensor(shape: [11], elements: [Float](repeating: 0, count: 11)))])
        try other.data.write(to: URL(fileURLWithPath: path))
        do {
            _ = try FaceDetector(path: path)
            Issue.record("weights of another shape were taken")
        } catch {
            guard case .weights(.mismatch(let mismatch)) = error else { throw error }
            #expect(mismatch.wrongShape.map(\.name) == ["pnet.conv1.bias"] && mismatch.missing.count == 49)
        }
        let missing = FaceDetectorError.weightsMissing(folder: "/opt/whorl")
        #expect(missing.description.contains("/opt/whorl") && missing.description.contains("face-detector.safetensors"))
    }
}

/// Bytes of SplitMix64.
private struct SeededBytes {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt8 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return UInt8(truncatingIfNeeded: (z ^ (z >> 31)) >> 56)
    }
}
