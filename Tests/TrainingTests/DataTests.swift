import Crops
import Foundation
import Testing
import TinyTraining
import Training

/// Data that do not do for a recipe, and what validation makes of those that do.
@Suite struct DataTests {
    private func data(_ recipe: Recipe, _ crops: MemoryCrops, given: MemoryCrops? = nil) throws -> TrainingData {
        let pictures = TinyPictures()
        return try TrainingData(recipe, dataset: crops, given: given, makers: .init(pairs: TinyPairs(), pictures: pictures, use: pictures))
    }

    private func failure(_ recipe: Recipe, _ crops: MemoryCrops, given: MemoryCrops? = nil) -> String {
        do {
            _ = try data(recipe, crops, given: given)
            return "none"
        } catch {
            return "\(error)"
        }
    }

    @Test func saysWhatIsMissing() {
        var (none, fakes, reals, oneGroup) = (MemoryCrops(), MemoryCrops(), MemoryCrops(), MemoryCrops())
        for _ in 0..<4 {
            fakes.add(.fake)
            reals.add(.real)
            oneGroup.add(.real, group: "one")
            oneGroup.add(.fake, group: "one")
        }
        none.sources = []
        for kind in Recipe.Kind.allCases {
            let recipe = Recipe(kind: kind)
            #expect(failure(recipe, none).contains("no real faces"))
            #expect(failure(recipe, fakes).contains("no real faces"))
            #expect(failure(recipe, oneGroup).contains("1 group"))
        }
        #expect(failure(Recipe(kind: .baseline), reals).contains("no fakes"))
        #expect(failure(Recipe(kind: .selfBlend), reals) == "none")
        var patient = Recipe(kind: .selfBlend)
        patient.split.heldOut = 0
        #expect(failure(patient, reals) == "none")
        patient.validation.patience = 2
        #expect(failure(patient, reals).contains("nothing is held out"))
        #expect(failure(Recipe(kind: .selfBlend), reals, given: reals).contains("share"))
        var frames = reals
        frames.settings.wholeFrames = true
        #expect(failure(Recipe(kind: .selfBlend), frames).contains("without --whole-frames"))
        var seed = Recipe(kind: .baseline)
        seed.region = .frame
        #expect(failure(seed, reals).contains("with --whole-frames"))
        var empty = reals
        empty.crops = []
        #expect(failure(Recipe(kind: .selfBlend), empty).contains("no real faces"))
    }

    @Test func noGroupIsOnBothSides() throws {
        var crops = MemoryCrops()
        for number in 0..<20 {
            crops.add(.real, group: "person \(number / 2)")
            crops.add(.fake, method: number % 2 == 0 ? "a" : "b", group: "person \(number / 2)")
        }
        var recipe = Recipe(kind: .baseline)
        recipe.split.heldOut = 0.3
        recipe.mix.balance = .natural
        recipe.batch = 6
        recipe.epochs = 2
        let made = try data(recipe, crops)
        let heldOut = Set(try #require(made.validation.first).pictures.items.map(\.source))
        let groups = Set(heldOut.map { crops.sources[$0].group })
        #expect(!groups.isEmpty && groups.count < 10)
        var trained: Set<Int> = []
        for step in 0..<made.steps {
            let batch = try made.source.batch(step: step)
            for picture in 0..<batch.count { trained.insert(Int(batch.rgb[picture * PictureSize.bytes])) }
        }
        #expect(trained.isDisjoint(with: heldOut) && trained.union(heldOut).count == 40)
        #expect(groups.isDisjoint(with: trained.map { crops.sources[$0].group }))
        // Two epochs of what is left.
        #expect(made.steps == 2 * ((trained.count * 3 + 5) / 6))
        // The split's seed decides, the run's does not.
        recipe.seed = 99
        #expect(Set(try data(recipe, crops).validation[0].pictures.items.map(\.source)) == heldOut)
        recipe.split.seed = 5
        let others = (5..<9).map { seed in
            recipe.split.seed = UInt64(seed)
            return Result { Set(try data(recipe, crops).validation[0].pictures.items.map(\.source)) }
        }
        #expect(try others.contains { try $0.get() != heldOut })
    }

    @Test func digestKnowsItsData() throws {
        let recipe = Recipe(kind: .selfBlend)
        let crops = TinyRun.dataset()
        let digest = try data(recipe, crops).digest
        #expect(digest.count == 64)
        #expect(try data(recipe, crops).digest == digest)
        var changed = crops
        changed.crops[3].box.x += 1
        #expect(try data(recipe, changed).digest != digest)
        changed = crops
        changed.sources[0].group = "other"
        #expect(try data(recipe, changed).digest != digest)
        var given = MemoryCrops()
        given.add(.real, group: "elsewhere")
        given.sources[0].sha256 = "elsewhere"
        #expect(try data(recipe, crops, given: given).digest != digest)
    }

    @Test func blendsOfHeldOutPeopleNeverChange() throws {
        let recipe = TinyRun.recipe(steps: 5)
        let made = try data(recipe, TinyRun.dataset())
        let blends = try #require(made.validation.first { $0.name == "blends" }).pictures
        #expect(blends.items.filter(\.isFake).count == blends.items.count / 2)
        for item in blends.items.indices { #expect(try blends.picture(item) == blends.picture(item)) }
        var other = recipe
        other.seed = 77
        let again = try #require(try data(other, TinyRun.dataset()).validation.first { $0.name == "blends" }).pictures
        #expect(try again.picture(1) == blends.picture(1))
    }
}
