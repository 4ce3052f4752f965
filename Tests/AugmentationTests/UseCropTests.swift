import Analysis
import Augmentation
import Detector
import NeuralCore
import Testing
import Video

/// What a network is trained on is cut as what it judges.
@Suite struct UseCropTests {
    /// Boxes inside, over each edge, and larger and smaller than the result.
    static let boxes: [BlendSource.Box] = [
        .init(x: 60, y: 50, width: 90, height: 120), .init(x: -30, y: 40, width: 100, height: 90.5),
        .init(x: 150.25, y: 120.75, width: 120, height: 160), .init(x: 20, y: -40, width: 90, height: 100),
        .init(x: 100, y: 80, width: 21.5, height: 19), .init(x: -60, y: -50, width: 380, height: 390), .init(x: 0, y: 0, width: 223, height: 222),
    ]

    @Test(arguments: boxes) func cropsAreServingsToTheBit(_ box: BlendSource.Box) throws {
        let picture = TestFaces.picture(width: 241, height: 233, seed: 5)
        let face = DetectedFace(
            x: Float(box.x), y: Float(box.y), width: Float(box.width), height: Float(box.height), score: 1, landmarks: [])
        for (scale, pixels) in [(1.25, 224), (1.6, 224), (1.25, 97)] {
            let served = picture.withView { FaceCrop(face, rule: FaceCropRule(scale: scale)).cut(from: $0, pixels: pixels) }
            let ours = try UseCrop(scale: scale, pixels: pixels).picture(of: picture, box: box)
            #expect(ours == served, "scale \(scale), \(pixels) pixels")
        }
    }

    @Test func boxesWithoutAPlaceAreRefused() {
        let picture = TestFaces.picture(width: 50, height: 40, seed: 5)
        for box: BlendSource.Box in [
            .init(x: 0, y: 0, width: 0, height: 20), .init(x: .nan, y: 0, width: 10, height: 20), .init(x: 90, y: 0, width: 10, height: 20),
            .init(x: -.infinity, y: 0, width: 10, height: 20), .init(x: -500, y: -500, width: 1_050, height: 1_050),
        ] {
            #expect(throws: AugmentationError.self) { try UseCrop().picture(of: picture, box: box) }
        }
    }
}
