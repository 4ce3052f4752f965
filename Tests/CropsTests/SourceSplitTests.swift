import Crops
import Testing

@Suite struct SourceSplitTests {
    /// Groups of one to four sources each, of both labels or one.
    private static func sources(groups: Int, seed: UInt64) -> [CropSource] {
        var state = seed &+ 11
        func draw(_ count: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % count
        }
        return (0..<groups).flatMap { group in
            let kind = draw(3)
            return (0...draw(4)).map { item in
                let label: CropSource.Label = kind == 0 ? .real : kind == 1 ? .fake : item % 2 == 0 ? .real : .fake
                return CropSource.made("\(group)-\(item).mp4", label, group: "g\(group)")
            }
        }
    }

    @Test(arguments: 0..<20) func partsShareNoGroupAndHoldEverySource(_ seed: Int) throws {
        let sources = Self.sources(groups: 60, seed: UInt64(seed))
        let split = try SourceSplit(sources, validationShare: 0.2, seed: UInt64(seed))
        #expect((split.training + split.validation).sorted() == Array(sources.indices), "seed \(seed)")
        let groups = Set(split.training.map { sources[$0].group }), others = Set(split.validation.map { sources[$0].group })
        #expect(groups.isDisjoint(with: others), "seed \(seed)")
        for label in CropSource.Label.allCases {
            let all = sources.filter { $0.label == label }.count
            let held = split.validation.filter { sources[$0].label == label }.count
            // Three kinds of groups, each off by at most half of its largest group, which has four sources.
            #expect(abs(Double(held) - 0.2 * Double(all)) <= 4.5, "seed \(seed): \(held) of \(all) \(label)")
        }
    }

    @Test func oneSeedGivesOneSplit() throws {
        let sources = Self.sources(groups: 40, seed: 5)
        let split = try SourceSplit(sources, seed: 7)
        #expect(try SourceSplit(sources, seed: 7) == split)
        #expect(try (0..<5).contains { try SourceSplit(sources, seed: $0) != split })
        // The order of the sources plays no part.
        let turned = Array(sources.reversed())
        let other = try SourceSplit(turned, seed: 7)
        #expect(Set(other.validation.map { turned[$0].path }) == Set(split.validation.map { sources[$0].path }))
    }

    @Test func oneGroupIsNotDivided() {
        let sources = (0..<5).map { CropSource.made("\($0).mp4", $0 == 0 ? .fake : .real, group: "all") }
        #expect(refusal { () throws(CropsError) in _ = try SourceSplit(sources, seed: 1) } == .tooFewGroups(count: 1))
        #expect(refusal { () throws(CropsError) in _ = try SourceSplit([], seed: 1) } == .tooFewGroups(count: 0))
    }

    @Test func aLabelInOneGroupIsRefused() {
        let sources = [CropSource.made("a", .fake, group: "a"), .made("b", .fake, group: "b"), .made("c", group: "c"), .made("d", group: "c")]
        #expect(refusal { () throws(CropsError) in _ = try SourceSplit(sources, seed: 1) } == .labelInOneGroup(label: .real, group: "c"))
        #expect(refusal { () throws(CropsError) in _ = try SourceSplit(sources, seed: 1, needed: [.fake]) } == nil)
    }

    @Test func aLabelThatIsNeededMustBeThere() {
        let sources = [CropSource.made("a", group: "a"), .made("b", group: "b")]
        #expect(
            refusal { () throws(CropsError) in _ = try SourceSplit(sources, seed: 1, needed: [.real, .fake]) } == .labelMissing(.fake))
        #expect(refusal { () throws(CropsError) in _ = try SourceSplit(sources, seed: 1) } == nil)
    }

    @Test(arguments: [0, 1, -0.1, 1.5, .nan]) func sharesThatLeaveAPartEmpty(_ share: Double) {
        let sources = [CropSource.made("a", group: "a"), .made("b", group: "b")]
        guard case .badShare? = refusal({ () throws(CropsError) in _ = try SourceSplit(sources, validationShare: share, seed: 1) }) else {
            Issue.record("\(share) was taken")
            return
        }
    }

    @Test(arguments: [0.01, 0.5, 0.99]) func eachPartHasAGroup(_ share: Double) throws {
        let sources = (0..<6).flatMap { [CropSource.made("r\($0)", group: "\($0)"), .made("f\($0)", .fake, group: "\($0)")] }
        let split = try SourceSplit(sources, validationShare: share, seed: 3)
        #expect(!split.training.isEmpty && !split.validation.isEmpty)
    }

    /// Reals in a group of their own and in one with fakes: each kind is a single group, and one goes over.
    @Test func singleGroupsOfAKind() throws {
        let sources = [
            CropSource.made("a", group: "a"), .made("b", group: "b"), .made("b2", .fake, group: "b"), .made("c", .fake, group: "c"),
        ]
        for seed in UInt64(0)..<10 {
            // Reals are in a and b, fakes in b and c: only b against both others, or a with c against b, gives each part both.
            let error = refusal { () throws(CropsError) in
                let split = try SourceSplit(sources, seed: seed)
                for part in [split.training, split.validation] { #expect(Set(part.map { sources[$0].label }).count == 2, "seed \(seed)") }
            }
            if let error {
                guard case .labelNotDivisible = error else {
                    Issue.record("\(error)")
                    return
                }
            }
        }
    }

    @Test func datasetsThatAreIndexedApartMayShareNobody() {
        let training = [CropSource.made("t/a", group: "a"), .made("t/b", group: "b")]
        #expect(refusal { () throws(CropsError) in try SourceSplit.requireApart(training: training, validation: [.made("v/c", group: "c")]) } == nil)
        #expect(
            refusal { () throws(CropsError) in try SourceSplit.requireApart(training: training, validation: [.made("v/b", group: "b")]) }
                == .shared(what: "the group b", training: "t/b", validation: "v/b"))
        var copy = CropSource.made("v/x", group: "x")
        copy.sha256 = training[0].sha256
        #expect(
            refusal { () throws(CropsError) in try SourceSplit.requireApart(training: training, validation: [copy]) }
                == .shared(what: "a file", training: "t/a", validation: "v/x"))
    }
}
