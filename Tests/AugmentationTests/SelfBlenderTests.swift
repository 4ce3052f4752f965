import Augmentation
import Foundation
import NeuralCore
import Testing
import Video

/// Pairs of a real face and its self-blended fake.
@Suite struct SelfBlenderTests {
    private func random(_ name: String) -> SeededRandom { SeededRandom(seed: 11, stream: name) }

    @Test func sameSeedSameBytes() async throws {
        let source = TestFaces.source(), blender = SelfBlender(settings: BlendSettings())
        let first = try (0..<6).map { try blender.pair(of: source, random: random("\($0)")) }
        // On other threads, at once.
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for index in 0..<12 {
                group.addTask { try blender.pair(of: source, random: random("\(index % 6)")) == first[index % 6] }
            }
            for try await isSame in group { #expect(isSame) }
        }
        #expect(Set(first.map(\.fake.pixels)).count == 6)
    }

    @Test func picturesAndMasksHaveTheirSizeAndRange() throws {
        for (index, pixels) in [224, 64, 97].enumerated() {
            let pair = try SelfBlender(settings: BlendSettings(), pixels: pixels).pair(of: TestFaces.source(), random: random("\(index)"))
            #expect(pair.real.width == pixels && pair.real.height == pixels && pair.fake.width == pixels && pair.fake.height == pixels)
            #expect(pair.mask.count == pixels * pixels)
            #expect(pair.mask.allSatisfy { (0...1).contains($0) } && pair.mask.contains { $0 > 0.1 })
        }
    }

    /// Every part, with and without a mesh, at sizes from tiny to large: there is always something blended in, and something left.
    @Test func everyHullLeavesAMask() throws {
        for size in [40, 90, 300, 700] {
            let source = TestFaces.source(width: size, height: size + 3), blender = SelfBlender(settings: BlendSettings())
            for index in 0..<16 {
                var source = source
                if index % 2 == 0 { source.mesh = nil }
                let pair = try blender.pair(of: source, random: random("\(size) \(index)"))
                let covered = pair.mask.reduce(0, +) / Float(pair.mask.count)
                #expect(pair.mask.contains { $0 > 0.1 } && covered < 0.9, "\(size), \(index): \(covered)")
            }
        }
    }

    /// Before compression, what is not blended is the same to the bit, whatever else happens to both.
    @Test func pairsAreEqualWhereTheMaskIsZero() throws {
        var settings = BlendSettings()
        settings.compression.h264Share = 0
        settings.compression.jpegShare = 0
        settings.photometric.chance = 1
        // A filter carries what is blended beyond the mask's edge.
        settings.detail.coarserShare = 0
        settings.detail.sharperShare = 0
        for index in 0..<12 {
            let pair = try SelfBlender(settings: settings).pair(of: TestFaces.source(), random: random("\(index)"))
            var outside = 0
            for (place, share) in pair.mask.enumerated() where share == 0 {
                let isSame = (0..<3).allSatisfy { pair.real.pixels[3 * place + $0] == pair.fake.pixels[3 * place + $0] }
                if !isSame { Issue.record("\(index): pixel \(place) differs outside the mask") }
                outside += 1
            }
            #expect(outside > 1_000)
            #expect(pair.real != pair.fake)
        }
    }

    /// With everything turned off the real picture and the fake are the plain crop of the face.
    @Test func withoutChangesThePairIsTheCropOfUse() throws {
        let source = TestFaces.source()
        let pair = try SelfBlender(settings: TestFaces.still).pair(of: source, random: random("still"))
        let crop = try UseCrop().picture(of: source.picture, box: source.box)
        #expect(pair.real == crop)
        #expect(TestFaces.distance(pair.fake, crop) < 0.05)
    }

    /// The real picture differs from its source only if the surroundings are changed; else the fake alone does, inside the mask.
    @Test func theRealChangesOnlyWithItsSurroundings() throws {
        let source = TestFaces.source()
        let crop = try UseCrop().picture(of: source.picture, box: source.box)
        var settings = TestFaces.still
        settings.difference.color = BlendSettings.ColorRanges(contrastChance: 1, brightness: 0.2, contrast: 0.2)
        settings.difference.targetShare = 0
        let face = try SelfBlender(settings: settings).pair(of: source, random: random("face"))
        #expect(face.real == crop && TestFaces.distance(face.fake, crop) > 0.5)
        settings.difference.targetShare = 1
        let surroundings = try SelfBlender(settings: settings).pair(of: source, random: random("face"))
        #expect(TestFaces.distance(surroundings.real, crop) > 0.5)
        // Where the mask is whole the fake shows the face as it was.
        for (place, share) in surroundings.mask.enumerated() where share > 0.999 {
            for channel in 0..<3 {
                #expect(abs(Int(surroundings.fake.pixels[3 * place + channel]) - Int(crop.pixels[3 * place + channel])) <= 1)
            }
        }
    }

    /// Mirroring the source gives the mirrored pair, landmarks and mesh with it.
    @Test(arguments: [true, false]) func flipsMapThePoints(_ hasMesh: Bool) throws {
        // Odd and even places of the box, so that halves of pixels show.
        let source = TestFaces.source(width: 301, height: 300, moved: [4, -3], hasMesh: hasMesh)
        let width = Double(source.picture.width)
        func flip(_ points: [SIMD2<Float>]) -> [SIMD2<Float>] { points.map { SIMD2(Float(width) - $0.x, $0.y) } }
        let points = flip(source.landmarks)
        let mirrored = BlendSource(
            picture: TestFaces.mirrored(source.picture),
            box: .init(x: width - source.box.x - source.box.width, y: source.box.y, width: source.box.width, height: source.box.height),
            landmarks: [points[1], points[0], points[2], points[4], points[3]], mesh: source.mesh.map(flip))
        var settings = TestFaces.still
        settings.difference.color = BlendSettings.ColorRanges(contrastChance: 1, brightness: 0.2)
        settings.difference.targetShare = 0
        settings.patch.flipChance = 1
        let flipped = try SelfBlender(settings: settings).pair(of: mirrored, random: random("flip"))
        settings.patch.flipChance = 0
        let plain = try SelfBlender(settings: settings).pair(of: source, random: random("flip"))
        // Cuts are whole pixels from the box, and may lie one apart: what is cropped from them does not.
        #expect(TestFaces.distance(flipped.real, plain.real) < 0.05)
        let difference = zip(flipped.mask, plain.mask).reduce(0) { $0 + abs($1.0 - $1.1) } / Float(plain.mask.count)
        #expect(difference < 0.01, "\(difference)")
    }

    @Test func bothGetTheSamePhotometricChange() throws {
        let source = TestFaces.source()
        var settings = TestFaces.still
        settings.photometric.chance = 1
        settings.photometric.color = BlendSettings.ColorRanges(rgbChance: 1, hsvChance: 1, contrastChance: 1, brightness: 0.2, contrast: 0.3)
        let pair = try SelfBlender(settings: settings).pair(of: source, random: random("photometric"))
        #expect(TestFaces.distance(pair.real, try UseCrop().picture(of: source.picture, box: source.box)) > 1)
        #expect(TestFaces.distance(pair.real, pair.fake) < 0.1)
    }

    @Test(arguments: [true, false]) func detailIsAlikeAndShows(_ isCoarser: Bool) throws {
        let source = TestFaces.source()
        var settings = TestFaces.still
        settings.detail.coarserShare = isCoarser ? 1 : 0
        settings.detail.sharperShare = isCoarser ? 0 : 1
        settings.detail.factor = 3...3
        settings.detail.sharpen = 1.5...1.5
        let pair = try SelfBlender(settings: settings).pair(of: source, random: random("detail"))
        let plain = try SelfBlender(settings: TestFaces.still).pair(of: source, random: random("detail"))
        let (before, after) = (TestFaces.roughness(plain.real), TestFaces.roughness(pair.real))
        #expect(isCoarser ? after < 0.8 * before : after > 1.2 * before, "\(before), \(after)")
        #expect(TestFaces.distance(pair.real, pair.fake) < 0.1)
    }

    @Test func compressionIsAlikeAndShows() throws {
        let source = TestFaces.source()
        let plain = try SelfBlender(settings: TestFaces.still).pair(of: source, random: random("compression"))
        for share in [(h264: 1.0, jpeg: 0.0), (h264: 0.0, jpeg: 1.0)] {
            var settings = TestFaces.still
            settings.compression.h264Share = share.h264
            settings.compression.jpegShare = share.jpeg
            settings.compression.crf = 36...36
            settings.compression.jpegQuality = 40...40
            let pair = try SelfBlender(settings: settings).pair(of: source, random: random("compression"))
            let loss = TestFaces.distance(pair.real, plain.real)
            #expect(loss > 0.5 && loss < 12, "\(share): \(loss)")
            #expect(TestFaces.distance(pair.real, pair.fake) < 0.5)
        }
    }

    /// The mask stays within its hull's reach: drawn in, then softened.
    @Test func masksStayNearTheFace() throws {
        var settings = TestFaces.still
        settings.crop.margin = 0.4...0.4
        for index in 0..<20 {
            let pair = try SelfBlender(settings: settings).pair(of: TestFaces.source(), random: random("\(index)"))
            for y in 0..<224 {
                for x in 0..<224 where (x < 8 || y < 8 || x > 215 || y > 215) {
                    #expect(pair.mask[y * 224 + x] == 0)
                }
            }
        }
    }

    @Test func boxesOverTheEdgeAndOddSizesWork() throws {
        let blender = SelfBlender(settings: BlendSettings())
        for (index, moved) in [SIMD2(-120.0, 0), SIMD2(0, -130), SIMD2(130, 140), SIMD2(0.37, 0.61)].enumerated() {
            for (width, height) in [(301, 277), (123, 257), (300, 300)] {
                let source = TestFaces.source(width: width, height: height, moved: moved * Double(min(width, height)) / 300)
                let pair = try blender.pair(of: source, random: random("\(index) \(width)"))
                #expect(pair.real.pixels.contains { $0 > 10 })
            }
        }
    }

    @Test func sourcesThatCannotBeUsedAreRefused() {
        let blender = SelfBlender(settings: BlendSettings())
        func expectRefusal(_ change: (inout BlendSource) -> Void) {
            var source = TestFaces.source()
            change(&source)
            #expect(throws: AugmentationError.self) { try blender.pair(of: source, random: random("refused")) }
        }
        expectRefusal { $0.box.width = 0 }
        expectRefusal { $0.box.x = .nan }
        expectRefusal { $0.box.x = 5_000 }
        expectRefusal { $0.landmarks = [] }
        expectRefusal { $0.landmarks[2].x = .nan }
        expectRefusal { $0.landmarks[0] = [-4_000, 0] }
        expectRefusal { $0.mesh = [[1, 1]] }
    }

    /// A mesh that went astray is left aside, as if there were none.
    @Test func strayMeshesAreLeftAside() throws {
        let blender = SelfBlender(settings: BlendSettings())
        var stray = TestFaces.source(), none = stray
        stray.mesh?[0] = [.infinity, 3]
        none.mesh = nil
        #expect(try blender.pair(of: stray, random: random("stray")) == blender.pair(of: none, random: random("stray")))
    }
}
