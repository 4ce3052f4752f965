import Augmentation
import NeuralCore
import Testing
import Video

/// Fakes over the frames of a clip.
@Suite struct ClipTests {
    /// One picture under a face that moves by whole pixels.
    private func sources(_ count: Int, step: Double = 2) -> [BlendSource] {
        let first = TestFaces.source(width: 340, height: 320)
        return (0..<count).map { frame in
            var source = first
            let shift = SIMD2(Float(step * Double(frame)), Float(frame % 2))
            source.box.x += Double(shift.x)
            source.box.y += Double(shift.y)
            source.landmarks = source.landmarks.map { $0 + shift }
            source.mesh = source.mesh?.map { $0 + shift }
            return source
        }
    }

    @Test func sameSeedSameBytes() throws {
        let blender = SelfBlender(settings: BlendSettings()), sources = sources(6)
        let random = SeededRandom(seed: 3, stream: "clip")
        let first = try blender.clip(of: sources, random: random)
        #expect(first.count == 6)
        #expect(try blender.clip(of: sources, random: random) == first)
    }

    /// Draws are replayed: with nothing that changes over time, each frame is the pair that its face alone would be.
    @Test func framesOfAClipAreDrawnAlike() throws {
        var settings = TestFaces.still
        settings.difference.color = BlendSettings.ColorRanges(contrastChance: 1, brightness: 0.2)
        settings.difference.targetShare = 0
        settings.placement.shiftX = 0.03
        settings.placement.turnChance = 1
        let blender = SelfBlender(settings: settings), sources = sources(5), random = SeededRandom(seed: 4, stream: "clip")
        let clip = try blender.clip(of: sources, random: random)
        for (source, frame) in zip(sources, clip) {
            let alone = try blender.pair(of: source, random: random)
            #expect(frame.real == alone.real)
            #expect(frame.fake == alone.fake)
            #expect(frame.mask == alone.mask)
        }
        // The face moved by whole pixels, so its mask did not change.
        #expect(clip.allSatisfy { $0.mask == clip[0].mask })
    }

    @Test func realsAndFakesAreHeldAlike() throws {
        var settings = TestFaces.still
        settings.clip.holdChance = 1
        settings.clip.holdShare = 0.6
        let clip = try SelfBlender(settings: settings).clip(of: sources(12), random: SeededRandom(seed: 1))
        var held = 0
        for (last, next) in zip(clip, clip.dropFirst()) {
            #expect((last.real == next.real) == (last.fake == next.fake))
            if last.real == next.real { held += 1 }
        }
        #expect(held >= 2, "\(held)")
    }

    @Test func shakingAndFlickeringAreAlike() throws {
        var settings = TestFaces.still
        settings.clip.shakeChance = 1
        settings.clip.flickerChance = 1
        let blender = SelfBlender(settings: settings)
        let still = try SelfBlender(settings: TestFaces.still).clip(of: sources(6, step: 0), random: SeededRandom(seed: 2))
        let clip = try blender.clip(of: sources(6, step: 0), random: SeededRandom(seed: 2))
        for (plain, frame) in zip(still, clip) {
            #expect(TestFaces.distance(plain.real, frame.real) > 0.3)
            #expect(TestFaces.distance(frame.real, frame.fake) < 0.1)
        }
    }

    /// What the fake's face does by itself, the real picture does not show.
    @Test func fakesTrembleByThemselves() throws {
        var settings = TestFaces.still
        let plain = try SelfBlender(settings: settings).clip(of: sources(8), random: SeededRandom(seed: 5))
        settings.clip.trembleChance = 1
        settings.clip.colorFlickerChance = 1
        settings.clip.ratioFlickerChance = 1
        settings.clip.innerHoldChance = 1
        settings.clip.innerHoldShare = 0.5
        let clip = try SelfBlender(settings: settings).clip(of: sources(8), random: SeededRandom(seed: 5))
        #expect(clip.map(\.real) == plain.map(\.real))
        #expect(zip(clip, plain).filter { $0.0.fake != $0.1.fake }.count >= 7)
        #expect(Set(clip.map(\.mask)).count >= 7)
    }

    @Test func facesThatGrowShareOneSize() throws {
        var sources = sources(4)
        for index in sources.indices {
            let box = sources[index].box, factor = 1 - 0.12 * Double(index)
            sources[index].box = .init(
                x: box.x + box.width * (1 - factor) / 2, y: box.y + box.height * (1 - factor) / 2, width: box.width * factor,
                height: box.height * factor)
            sources[index].landmarks = TestFaces.landmarks(of: sources[index].box)
            sources[index].mesh = index == 2 ? nil : TestFaces.mesh(of: sources[index].box)
        }
        for seed in 0..<4 {
            let clip = try SelfBlender(settings: BlendSettings()).clip(of: sources, random: SeededRandom(seed: UInt64(seed)))
            #expect(clip.count == 4 && clip.allSatisfy { $0.mask.contains { $0 > 0 } })
        }
    }

    @Test func clipsWithoutFramesAreRefused() {
        let blender = SelfBlender(settings: BlendSettings())
        #expect(throws: AugmentationError.unusableClip(frames: 0)) { try blender.clip(of: [], random: SeededRandom(seed: 1)) }
        let many = [BlendSource](repeating: TestFaces.source(width: 40, height: 40), count: 257)
        #expect(throws: AugmentationError.unusableClip(frames: 257)) { try blender.clip(of: many, random: SeededRandom(seed: 1)) }
    }
}
