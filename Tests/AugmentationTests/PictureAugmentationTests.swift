import Augmentation
import NeuralCore
import Testing
import Video

/// Single pictures for recipes with given fakes.
@Suite struct PictureAugmentationTests {
    private var plain: PictureSettings {
        var settings = PictureSettings()
        settings.patch.flipChance = 0
        settings.patch.shrinkChance = 0
        settings.photometric.chance = 0
        settings.compression.h264Share = 0
        settings.compression.jpegShare = 0
        settings.crop.margin = 0.125...0.125
        settings.crop.jitter = 0
        return settings
    }

    @Test func withoutChangesAFaceIsTheCropOfUse() throws {
        let source = TestFaces.source()
        let picture = try PictureAugmentation(settings: plain).picture(of: source, random: SeededRandom(seed: 1))
        #expect(try picture == UseCrop().picture(of: source.picture, box: source.box))
    }

    @Test func framesAreSqueezedAndMirrored() throws {
        let image = TestFaces.picture(width: 333, height: 190, seed: 8)
        let source = BlendSource(picture: image, box: .init(x: 0, y: 0, width: 0, height: 0), landmarks: [], mesh: nil)
        var settings = plain
        settings.region = .frame
        let frame = try PictureAugmentation(settings: settings).picture(of: source, random: SeededRandom(seed: 1))
        #expect(frame.width == 224 && frame.height == 224)
        #expect(TestFaces.distance(frame, image.resized(width: 224, height: 224)) < 1.5)
        settings.patch.flipChance = 1
        let mirrored = try PictureAugmentation(settings: settings).picture(of: source, random: SeededRandom(seed: 1))
        #expect(TestFaces.distance(mirrored, TestFaces.mirrored(frame)) < 0.1)
    }

    @Test(arguments: PictureSettings.Region.allCases) func sameSeedSameBytes(_ region: PictureSettings.Region) throws {
        var settings = PictureSettings()
        settings.region = region
        let augmentation = PictureAugmentation(settings: settings), source = TestFaces.source(hasMesh: false)
        let pictures = try (0..<8).map { try augmentation.picture(of: source, random: SeededRandom(seed: 2, stream: "\($0)")) }
        let again = try (0..<8).map { try augmentation.picture(of: source, random: SeededRandom(seed: 2, stream: "\($0)")) }
        #expect(pictures == again && Set(pictures.map(\.pixels)).count > 5)
    }

    @Test func facesNeedABox() {
        let source = BlendSource(
            picture: TestFaces.picture(width: 30, height: 30, seed: 1), box: .init(x: 0, y: 0, width: 0, height: 0), landmarks: [], mesh: nil)
        #expect(throws: AugmentationError.self) {
            try PictureAugmentation(settings: PictureSettings()).picture(of: source, random: SeededRandom(seed: 1))
        }
    }
}
