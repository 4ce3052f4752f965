import Crops
import Foundation
import NeuralCore
import Synchronization
import Testing
import TinyTraining
import Training
import Video

/// What batches are made of.
@Suite struct SourceTests {
    /// The source that a tiny picture tells in its first byte.
    private func sources(_ batch: TrainingBatch) -> [Int] {
        (0..<batch.count).map { Int(batch.rgb[$0 * PictureSize.bytes]) }
    }

    private func selfBlend(
        _ crops: MemoryCrops, pairs: Int = 6, clipShare: Double = 0.5, frames: Int = 1, seed: UInt64 = 3
    ) throws -> SelfBlendSource {
        try SelfBlendSource(
            crops, including: Set(crops.sources.indices), maker: TinyPairs(), pairs: pairs, clipShare: clipShare, framesPerClip: frames, seed: seed)
    }

    @Test func aFakeStandsBesideItsReal() throws {
        var crops = TinyRun.dataset()
        crops.add(.fake)
        let source = try selfBlend(crops)
        #expect(source.picturesPerBatch == 12 && source.sourceCount == 10)
        for step in 0..<5 {
            let batch = try source.batch(step: step)
            #expect(batch.labels == (0..<12).map { $0 % 2 == 1 })
            let sources = sources(batch)
            for pair in 0..<6 { #expect(sources[2 * pair] == sources[2 * pair + 1]) }
            #expect(!sources.contains(10), "a given fake is no real")
            #expect(batch == (try source.batch(step: step)), "a batch follows from its step alone")
        }
        #expect(try source.batch(step: 0) != source.batch(step: 1))
        #expect(try source.batch(step: 0) != selfBlend(crops, seed: 4).batch(step: 0))
    }

    @Test func clipsHaveTheirShare() throws {
        let crops = TinyRun.dataset()
        for share in [0, 0.25, 1] {
            let source = try selfBlend(crops, pairs: 20, clipShare: share)
            let drawn = try (0..<8).flatMap { step in sources(try source.batch(step: step)) }
            let clips = drawn.count { $0 % 2 == 0 }
            // 160 draws: four standard deviations.
            #expect(abs(Double(clips) / Double(drawn.count) - share) < 0.14, "\(share)")
        }
        var clips = MemoryCrops()
        clips.add(.real)
        #expect(try sources(selfBlend(clips, clipShare: 0).batch(step: 0)).allSatisfy { $0 == 0 })
    }

    @Test func framesOfAClipStandTogether() throws {
        let source = try selfBlend(TinyRun.dataset(), pairs: 7, clipShare: 1, frames: 3)
        for step in 0..<4 { #expect(try source.batch(step: step).count == 14) }
    }

    /// Fails on every picture, or on all but every nth.
    struct FailingPairs: PairMaking {
        struct Failure: Error {}
        var succeeds: Bool

        func pairs(of crops: [CropPicture], random: SeededRandom) throws -> [(real: RGBImage, fake: RGBImage)] {
            var random = random
            guard succeeds, random.chance(0.6) else { throw Failure() }
            return try TinyPairs().pairs(of: crops, random: random)
        }
    }

    @Test func whatCannotBeBlendedIsDrawnAnew() throws {
        let crops = TinyRun.dataset()
        func source(_ succeeds: Bool) throws -> SelfBlendSource {
            try SelfBlendSource(
                crops, including: Set(crops.sources.indices), maker: FailingPairs(succeeds: succeeds), pairs: 4, clipShare: 0.5,
                framesPerClip: 1, seed: 1)
        }
        #expect(try source(true).batch(step: 0).count == 8)
        #expect(throws: TrainingError.self) { try source(false).batch(step: 9) }
    }

    private func labelled(
        _ crops: MemoryCrops, pictures: Int = 8, balance: LabelledSource.Balance = .equal, shares: [String: Double] = [:]
    ) throws -> LabelledSource {
        try LabelledSource(
            crops, including: Set(crops.sources.indices), maker: TinyPictures(), pictures: pictures, balance: balance, shares: shares,
            clipShare: 0.5, seed: 2)
    }

    private var mixed: MemoryCrops {
        var crops = MemoryCrops()
        for _ in 0..<2 { crops.add(.real) }
        for method in ["a", "a", "a", "b"] { crops.add(.fake, method: method) }
        return crops
    }

    @Test func methodsHaveTheirShares() throws {
        for (shares, expected) in [([:], 0.75), (["a": 1, "b": 3], 0.25), (["a": 0, "b": 1], 0)] as [([String: Double], Double)] {
            let source = try labelled(mixed, pictures: 40, shares: shares)
            var (fakes, ofA) = (0, 0)
            for step in 0..<8 {
                let batch = try source.batch(step: step)
                #expect(batch.labels.count(where: \.self) == 20)
                for (index, number) in sources(batch).enumerated() {
                    #expect(batch.labels[index] == (number >= 2))
                    if number >= 2 { fakes += 1 }
                    if (2..<5).contains(number) { ofA += 1 }
                }
            }
            #expect(abs(Double(ofA) / Double(fakes) - expected) < 0.14, "\(shares)")
        }
        #expect(throws: TrainingError.self) { try labelled(mixed, shares: ["c": 1]) }
        #expect(throws: TrainingError.self) { try labelled(mixed, shares: ["a": 0, "b": 0]) }
    }

    @Test func naturalTakesEachCropOnceAnEpoch() throws {
        let source = try labelled(mixed, pictures: 6, balance: .natural)
        #expect(source.cropCount == 18)
        let epochs = try (0..<2).map { epoch in try (0..<3).flatMap { sources(try source.batch(step: 3 * epoch + $0)) } }
        for epoch in epochs { #expect(epoch.sorted() == (0..<18).map { $0 / 3 }) }
        #expect(epochs[0] != epochs[1])
    }

    /// Counts how far ahead batches are begun.
    final class CountingSource: BatchSource {
        let picturesPerBatch = 1
        let begun = Atomic<Int>(0)
        let failsAt: Int?

        init(failsAt: Int? = nil) {
            self.failsAt = failsAt
        }

        func batch(step: Int) throws -> TrainingBatch {
            begun.wrappingAdd(1, ordering: .relaxed)
            if step == failsAt { throw TrainingError.data("step \(step)") }
            return TrainingBatch(rgb: [UInt8](repeating: UInt8(step), count: PictureSize.bytes), labels: [false], weights: [1])
        }
    }

    @Test(arguments: [1, 2, 3], [1, 4]) func prefetchIsInOrderAndBounded(loaders: Int, depth: Int) throws {
        let source = CountingSource()
        let prefetch = BatchPrefetch(source, steps: 5..<40, loaders: loaders, depth: depth)
        for step in 5..<40 {
            #expect(try prefetch.next().rgb[0] == UInt8(step))
            #expect(source.begun.load(ordering: .relaxed) <= step - 4 + depth)
        }
        prefetch.stop()
        #expect(source.begun.load(ordering: .relaxed) == 35)
        let blends = try selfBlend(TinyRun.dataset(), pairs: 2)
        let made = BatchPrefetch(blends, steps: 0..<6, loaders: loaders, depth: depth)
        for step in 0..<6 { #expect(try made.next() == blends.batch(step: step)) }
        made.stop()
    }

    @Test func prefetchHandsErrorsOnInTheirTurn() throws {
        let prefetch = BatchPrefetch(CountingSource(failsAt: 2), steps: 0..<9, loaders: 3, depth: 5)
        _ = try prefetch.next()
        _ = try prefetch.next()
        #expect(throws: TrainingError.data("step 2")) { try prefetch.next() }
        // Stopping in the middle leaves no thread behind.
        prefetch.stop()
    }
}
