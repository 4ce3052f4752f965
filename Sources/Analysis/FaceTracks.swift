import Foundation

/// Links the faces of a clip's sampled frames: which are one person's.
///
/// Samples lie a good part of a second apart, so a face is looked for near where it was last and at about the same size. Across a cut two people in
/// one place become one track; nothing here knows their faces.
package struct FaceTracks: Sendable {
    /// A face's place in a frame, in any unit that all frames share.
    package struct Place: Sendable, Hashable {
        package var centerX: Double
        package var centerY: Double
        /// The longer side of its box.
        package var size: Double

        package init(centerX: Double, centerY: Double, size: Double) {
            self.centerX = centerX
            self.centerY = centerY
            self.size = size
        }
    }

    /// A face of a frame.
    package struct Member: Sendable, Hashable {
        package var frame: Int
        /// Among the frame's faces.
        package var face: Int

        package init(frame: Int, face: Int) {
            self.frame = frame
            self.face = face
        }
    }

    /// A track may miss so many samples in a row.
    private static let longestGap = 3
    /// Centres may be so many face sizes apart from one sample to the next.
    private static let longestWay = 1.5
    /// Sizes may differ by this factor.
    private static let largestGrowth = 1.8
    /// More are not followed: a crowd is no portrait.
    package static let most = 8

    /// In order of the frames; the tracks seen most often come first, of equals the larger.
    package let tracks: [[Member]]

    /// Tracks through `frames`, each with its faces.
    package init(_ frames: [[Place]]) {
        var open: [(members: [Member], last: Place, sizes: Double)] = []
        for (frame, faces) in frames.enumerated() {
            var pairs: [(cost: Double, track: Int, face: Int)] = []
            for (track, candidate) in open.enumerated() {
                guard let last = candidate.members.last, frame - last.frame <= Self.longestGap + 1 else { continue }
                for (face, place) in faces.enumerated() {
                    if let cost = Self.cost(from: candidate.last, to: place) { pairs.append((cost, track, face)) }
                }
            }
            var takenTracks: Set<Int> = [], takenFaces: Set<Int> = []
            for pair in pairs.sorted(by: { ($0.cost, $0.track, $0.face) < ($1.cost, $1.track, $1.face) })
            where !takenTracks.contains(pair.track) && !takenFaces.contains(pair.face) {
                takenTracks.insert(pair.track)
                takenFaces.insert(pair.face)
                open[pair.track].members.append(Member(frame: frame, face: pair.face))
                open[pair.track].last = faces[pair.face]
                open[pair.track].sizes += faces[pair.face].size
            }
            for (face, place) in faces.enumerated() where !takenFaces.contains(face) {
                open.append(([Member(frame: frame, face: face)], place, place.size))
            }
        }
        tracks = open.sorted { ($0.members.count, $0.sizes) > ($1.members.count, $1.sizes) }.prefix(Self.most).map(\.members)
    }

    /// How unlike two places are; nil when they cannot be one face's.
    private static func cost(from last: Place, to next: Place) -> Double? {
        let size = (last.size + next.size) / 2
        let way = hypot(next.centerX - last.centerX, next.centerY - last.centerY) / size
        let growth = max(last.size, next.size) / min(last.size, next.size)
        guard way <= longestWay, growth <= largestGrowth else { return nil }
        return way + log2(growth)
    }
}
