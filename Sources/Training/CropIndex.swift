import Crops
import NeuralCore

/// Which crops a source has, for drawing: sources that have none are left out.
struct CropIndex: Sendable {
    /// A source that has crops.
    struct Member: Sendable {
        let source: Int
        let crops: [Int]
    }

    let clips: [Member]
    let stills: [Member]

    /// Of the sources that `isIncluded` takes.
    init(_ dataset: any CropReading, where isIncluded: (Int, CropSource) -> Bool) {
        var crops: [Int: [Int]] = [:]
        for (index, crop) in dataset.crops.enumerated() { crops[crop.source, default: []].append(index) }
        var (clips, stills): ([Member], [Member]) = ([], [])
        for (index, source) in dataset.sources.enumerated() where isIncluded(index, source) {
            guard let own = crops[index] else { continue }
            let member = Member(source: index, crops: own)
            if source.kind == .clip { clips.append(member) } else { stills.append(member) }
        }
        self.clips = clips
        self.stills = stills
    }

    var isEmpty: Bool { clips.isEmpty && stills.isEmpty }
    var count: Int { clips.count + stills.count }

    /// A source: a clip with the probability `clipShare`, uniform among its kind; of the other kind where there is none of one.
    func draw(clipShare: Double, _ random: inout SeededRandom) -> Member {
        let isClip = random.chance(clipShare)
        let members = (isClip && !clips.isEmpty) || stills.isEmpty ? clips : stills
        precondition(!members.isEmpty, "nothing to draw from")
        return members[random.index(below: members.count)]
    }
}
