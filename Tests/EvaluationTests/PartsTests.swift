import Analysis
import Evaluation
import Foundation
import Testing

/// Small parts of an evaluation.
@Suite struct PartsTests {
    @Test func identitiesThatAreTiedAreOneGroup() {
        var groups = IdentityGroups()
        for identities in [["183"], ["253"], ["183", "253"], ["599"], ["599", "585"], ["7"]] { groups.join(identities) }
        #expect(groups.group(of: "183") == "183+253" && groups.group(of: "253") == "183+253")
        #expect(groups.group(of: "585") == "585+599" && groups.group(of: "7") == "7")
        #expect(groups.group(of: "unknown") == "unknown")
    }

    @Test func longChainsAreOneGroupInAnyOrder() {
        var forward = IdentityGroups(), backward = IdentityGroups()
        for number in 0..<9 { forward.join(["\(number)", "\(number + 1)"]) }
        for number in (0..<9).reversed() { backward.join(["\(number + 1)", "\(number)"]) }
        #expect(forward.group(of: "9") == "0+9 more" && backward.group(of: "4") == "0+9 more")
    }

    /// Heat on the mask, off the mask, and without aim.
    @Test func overlapOfMapAndMask() throws {
        let side = 14
        let mask = (0..<side * side).map { Float($0 % side < 4 ? 1 : 0) }
        func map(_ value: (Int) -> Float) -> HeatMap { HeatMap(width: 7, height: 7, values: (0..<49).map { value($0 % 7) }) }
        let on = MapOverlap(maps: [map { $0 < 2 ? 1 : 0 }], masks: [mask], side: side)
        #expect(on.count == 1 && on.heatInside == 1 && on.cellArea == 1 && on.rankCorrelation == 1)
        #expect(abs((on.maskShare ?? 0) - 2.0 / 7) < 1e-6)
        let off = MapOverlap(maps: [map { $0 < 2 ? -1 : 1 }], masks: [mask], side: side)
        #expect(off.heatInside == 0 && off.cellArea == 0 && off.rankCorrelation == -1)
        let aimless = MapOverlap(maps: [map { _ in 1 }], masks: [mask], side: side)
        #expect(abs((aimless.heatInside ?? 0) - 2.0 / 7) < 1e-6 && aimless.cellArea == 0.5 && aimless.rankCorrelation == nil)
        let empty = MapOverlap(maps: [map { _ in 1 }], masks: [[Float](repeating: 0, count: side * side)], side: side)
        #expect(empty.count == 0 && empty.heatInside == nil)
    }

    @Test func cellsOfTheGrid() {
        #expect(RobustnessCell.full.count == 30 && Set(RobustnessCell.full).count == 30)
        #expect(RobustnessCell.full.contains(RobustnessCell(crf: 18)))
        #expect(RobustnessCell.full.contains(RobustnessCell(crf: 40, scale: 0.25, frameShare: 0.5)))
    }
}
