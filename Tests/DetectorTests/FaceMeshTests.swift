import Detector
import Foundation
import NeuralCore
import Synchronization
import Testing

/// The face mesh against TensorFlow Lite's interpreter, and against itself on pictures that were moved, turned and scaled.
@Suite("Face mesh")
struct FaceMeshTests {
    private let values: FaceMeshValues
    private let faces: FaceValues

    init() throws {
        values = try FaceMeshValues.load()
        faces = try FaceValues.load()
    }

    private static func points(
        _ mesh: FaceMesh, _ face: DetectedFace, _ pixels: [UInt8], width: Int, height: Int, rowBytes: Int? = nil
    ) -> FaceMesh.Mesh? {
        pixels.withUnsafeBytes { mesh.points(of: face, pixels: $0, width: width, height: height, rowBytes: rowBytes ?? 3 * width) }
    }

    private static func face(_ face: FaceValues.Face) -> DetectedFace {
        DetectedFace(
            x: face.box[0], y: face.box[1], width: face.box[2] - face.box[0], height: face.box[3] - face.box[1], score: face.score,
            landmarks: face.landmarks.map { SIMD2($0[0], $0[1]) })
    }

    private static func distance(_ a: SIMD2<Float>, _ b: SIMD2<Float>) -> Float {
        let between = a - b
        return (between * between).sum().squareRoot()
    }

    private func picture(_ name: String) throws -> (picture: FaceValues.Picture, pixels: [UInt8]) {
        let picture = try #require(faces.pictures.first { $0.name == name })
        return (picture, try faces.pixels(of: picture))
    }

    // Both compute in float32 but sum in other orders, which was found to cost up to 0.00014 pixels.
    @Test("the network's outputs equal TensorFlow Lite's within a thousandth of a pixel of its input", arguments: ForwardTests.floatSelections)
    func network(selection: KernelSelection) throws {
        let mesh = try FaceMesh(selection: selection)
        for input in values.inputs {
            let outputs = mesh.outputs(of: try values.values(of: input, faces: faces))
            try #require(outputs.count == input.outputs.count && outputs.count == 3 * FaceMesh.pointCount + 1)
            let difference = zip(outputs, input.outputs).map { abs($0 - $1) }.max() ?? .infinity
            #expect(difference <= 0.001, "\(input.name): off by \(difference)")
        }
    }

    // The squares differ by float32's rounding of places in the picture: thousandths of a step of brightness.
    @Test("points of faces in pictures equal those of an independent cutting out within a fiftieth of a pixel")
    func wholePath() throws {
        let mesh = try FaceMesh()
        #expect(values.meshes.count == 6)
        for expected in values.meshes {
            let (picture, pixels) = try picture(expected.picture)
            let found = try #require(
                Self.points(mesh, Self.face(picture.faces[0]), pixels, width: picture.width, height: picture.height))
            #expect(abs(found.score - expected.score) <= 1e-4)
            try #require(found.points.count == FaceMesh.pointCount)
            for (index, point) in found.points.enumerated() {
                let wanted = SIMD2(expected.points[2 * index], expected.points[2 * index + 1])
                #expect(Self.distance(point, wanted) <= 0.02, "\(picture.name), point \(index): \(point), should be \(wanted)")
            }
        }
    }

    @Test("the points that have names lie near the face detector's landmarks")
    func landmarks() throws {
        let mesh = try FaceMesh()
        let detector = try FaceDetector()
        for name in ["one", "large", "turned", "odd"] {
            let (picture, pixels) = try picture(name)
            let face = try #require(
                pixels.withUnsafeBytes {
                    detector.detect(pixels: $0, width: picture.width, height: picture.height, rowBytes: 3 * picture.width).first
                })
            let found = try #require(Self.points(mesh, face, pixels, width: picture.width, height: picture.height))
            let points = found.points
            #expect(found.score > 0.99)
            let named = [(points[33] + points[133]) / 2, (points[362] + points[263]) / 2, points[1], points[61], points[291]]
            for (point, landmark) in zip(named, face.landmarks) {
                #expect(Self.distance(point, landmark) <= 0.1 * face.width, "\(name): \(point), \(landmark)")
            }
        }
    }

    /// The stored portrait on a canvas of 700×700, enlarged, turned about its middle and moved, and the face in it.
    private func placed(scale: Double, degrees: Double, middle: SIMD2<Double>) throws -> (
        face: DetectedFace, pixels: [UInt8], place: (SIMD2<Double>) -> SIMD2<Float>
    ) {
        let angle = degrees * .pi / 180
        let (cosine, sine) = (cos(angle), sin(angle))
        let centre = SIMD2(96.5, 109.0)
        func place(_ point: SIMD2<Double>) -> SIMD2<Float> {
            let offset = scale * (point - centre)
            return SIMD2<Float>(middle + SIMD2(cosine * offset.x - sine * offset.y, sine * offset.x + cosine * offset.y))
        }
        // Pixel (0, 0) of either picture is read at its middle, so the halves cancel but for the scale.
        let rows = [SIMD2(cosine, sine) / scale, SIMD2(-sine, cosine) / scale]
        let offsets = [centre.x, centre.y].enumerated().map { $1 - 0.5 - (rows[$0] * (middle - 0.5)).sum() }
        let matrix = rows.indices.flatMap { [rows[$0].x, rows[$0].y, offsets[$0]] }.map { Int(($0 * 65536).rounded()) }
        let picture = FaceValues.Picture(
            name: "placed", width: 700, height: 700, minimum: 40,
            layers: [.init(picture: "portrait", matrix: matrix, brightness: 256)], checksum: 0, faces: [])
        let eyes = [SIMD2(76.5, 93.0), SIMD2(119.0, 96.0)].map(place)
        let (width, height) = (Float(89 * scale), Float(116 * scale))
        let face = DetectedFace(
            x: Float(middle.x) - width / 2, y: Float(middle.y) - height / 2, width: width, height: height, score: 1, landmarks: eyes)
        return (face, try faces.pixels(of: picture), place)
    }

    @Test(
        "a face that was turned, scaled and moved has its points turned, scaled and moved",
        arguments: [(1.0, 15.0), (1.0, -40.0), (1.0, 90.0), (1.6, 180.0), (1.7, 0.0), (2.6, 33.0), (0.8, -7.0)])
    func movedFace(scale: Double, degrees: Double) throws {
        let mesh = try FaceMesh()
        let base = try placed(scale: 1, degrees: 0, middle: SIMD2(350, 350))
        let upright = try #require(Self.points(mesh, base.face, base.pixels, width: 700, height: 700))
        let moved = try placed(scale: scale, degrees: degrees, middle: SIMD2(330, 371))
        let found = try #require(Self.points(mesh, moved.face, moved.pixels, width: 700, height: 700))
        let portraitMiddle = SIMD2(96.5, 109.0)
        for (point, original) in zip(found.points, upright.points) {
            let wanted = moved.place(SIMD2<Double>(original) - 350 + portraitMiddle)
            // A pixel of the picture in which the face is as it was stored; what differs is only what resampling it twice costs.
            #expect(Self.distance(point, wanted) <= Float(max(1, scale)), "\(point), should be \(wanted)")
        }
    }

    @Test("a picture without a face has a low score")
    func noFace() throws {
        let mesh = try FaceMesh()
        for name in ["pattern", "coffee"] {
            let (picture, pixels) = try picture(name)
            let box = DetectedFace(x: 200, y: 150, width: 120, height: 150, score: 1, landmarks: [SIMD2(230, 200), SIMD2(290, 200)])
            let found = try #require(Self.points(mesh, box, pixels, width: picture.width, height: picture.height))
            #expect(found.score < 0.5, "\(name)")
        }
    }

    @Test("boxes at the edge have points, boxes beyond it and those that are none have not")
    func extremeBoxes() throws {
        let mesh = try FaceMesh()
        let (picture, pixels) = try picture("odd")
        let (width, height) = (Float(picture.width), Float(picture.height))
        func find(_ x: Float, _ y: Float, _ boxWidth: Float, _ boxHeight: Float) -> FaceMesh.Mesh? {
            let face = DetectedFace(x: x, y: y, width: boxWidth, height: boxHeight, score: 1, landmarks: [])
            return Self.points(mesh, face, pixels, width: picture.width, height: picture.height)
        }
        for box in [
            (-50, -50, 51, 51), (width - 1, height - 1, 400, 400), (-400, 20, 401, 90), (100, 100, 0.01, 0.01), (-1e6, -1e6, 2e6, 2e6),
        ] as [(Float, Float, Float, Float)] {
            let found = try #require(find(box.0, box.1, box.2, box.3), "\(box)")
            #expect(found.points.allSatisfy { $0.x.isFinite && $0.y.isFinite } && (0...1).contains(found.score), "\(box)")
        }
        for box in [
            (-50, 20, 50, 50), (width, 20, 50, 50), (20, -80, 50, 80), (20, height, 50, 50), (20, 20, 0, 0), (20, 20, -5, 40),
            (.nan, 20, 50, 50), (20, 20, .infinity, 50), (20, 20, 3e38, 50),
        ] as [(Float, Float, Float, Float)] {
            #expect(find(box.0, box.1, box.2, box.3) == nil, "\(box)")
        }
        let one = DetectedFace(x: 0, y: 0, width: 1, height: 1, score: 1, landmarks: [])
        #expect(Self.points(mesh, one, [9, 8, 7], width: 1, height: 1) != nil)
    }

    @Test("a face without eyes, or with both at one place, counts as upright")
    func noEyes() throws {
        let mesh = try FaceMesh()
        let (picture, pixels) = try picture("one")
        var face = Self.face(picture.faces[0])
        func find(_ landmarks: [SIMD2<Float>]) throws -> FaceMesh.Mesh {
            face.landmarks = landmarks
            return try #require(Self.points(mesh, face, pixels, width: picture.width, height: picture.height))
        }
        let level = try find([SIMD2(296, 233), SIMD2(339, 233)])
        for landmarks in [[], [SIMD2(296, 233)], [SIMD2(5, 5), SIMD2(5, 5)], [SIMD2(.nan, 5), SIMD2(5, 5)]] as [[SIMD2<Float>]] {
            #expect(try find(landmarks) == level)
        }
        #expect(try find([SIMD2(296, 233), SIMD2(339, 243)]) != level)
    }

    @Test("rows may have bytes between them, and calls at the same time change nothing")
    func rowsAndThreads() throws {
        let mesh = try FaceMesh()
        let (picture, pixels) = try picture("odd")
        let face = Self.face(picture.faces[0])
        let expected = try #require(Self.points(mesh, face, pixels, width: picture.width, height: picture.height))
        let rowBytes = 3 * picture.width + 13
        var padded = [UInt8](repeating: 255, count: rowBytes * picture.height - 13)
        for row in 0..<picture.height {
            for byte in 0..<3 * picture.width { padded[row * rowBytes + byte] = pixels[row * 3 * picture.width + byte] }
        }
        #expect(Self.points(mesh, face, padded, width: picture.width, height: picture.height, rowBytes: rowBytes) == expected)

        var other = face
        other.x -= 40
        let otherExpected = Self.points(mesh, other, pixels, width: picture.width, height: picture.height)
        #expect(otherExpected != expected)
        let differing = Atomic<Int>(0)
        ThreadTeam(size: 3).forEach(12) { _, index in
            let found = Self.points(mesh, index % 2 == 0 ? face : other, pixels, width: picture.width, height: picture.height)
            if found != (index % 2 == 0 ? expected : otherExpected) { differing.add(1, ordering: .relaxed) }
        }
        #expect(differing.load(ordering: .relaxed) == 0)
    }

    @Test("weights that are missing, cut short, not those of the network, or broken are named")
    func brokenWeights() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("weights.safetensors")
        func error(_ data: Data?) throws -> FaceMeshError? {
            try data?.write(to: URL(fileURLWithPath: path))
            do throws(FaceMeshError) {
                _ = try FaceMesh(path: path)
                return nil
            } catch {
                return error
            }
        }
        let unreadable = try error(nil)
        if case .weights(.unreadable) = unreadable {} else { Issue.record("\(String(describing: unreadable))") }
        #expect(try error(Data("no weights".utf8)) == .weights(.notACheckpoint("\(path) is no safetensors file")))

        let resources = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Sources/Detector/Resources")
        let whole = try Data(contentsOf: resources.appendingPathComponent("face-mesh.safetensors"))
        #expect(try error(whole) == nil)
        for count in [9, 4000, whole.count / 2, whole.count - 1] {
            let short = try error(whole.prefix(count))
            if case .weights(.cutShort) = short {} else { Issue.record("\(count) bytes: \(String(describing: short))") }
        }
        // The last value of the last tensor.
        let broken = try error(whole.dropLast(4) + Data([0, 0, 0xc0, 0x7f]))
        if case .weights(.notFinite) = broken {} else { Issue.record("\(String(describing: broken))") }

        let detectors = try Data(contentsOf: resources.appendingPathComponent("face-detector.safetensors"))
        let other = try #require(try error(detectors))
        guard case .weights(.mismatch(let mismatch)) = other else { throw other }
        #expect(mismatch.missing.count == 113 && mismatch.unexpected.count == 50)
        #expect(other.description.contains("face mesh") && other.description.contains("mesh.0.depthwise.bias"))
        #expect(!other.description.contains("ResNet"))
        let missing = FaceMeshError.weightsMissing(folder: "/opt/whorl")
        #expect(missing.description.contains("/opt/whorl") && missing.description.contains("face-mesh.safetensors"))
    }
}
