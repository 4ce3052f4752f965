import Analysis
import Testing

/// Which faces are one person's.
@Suite struct FaceTracksTests {
    private static func place(_ x: Double, _ y: Double = 100, size: Double = 80) -> FaceTracks.Place {
        FaceTracks.Place(centerX: x, centerY: y, size: size)
    }

    private static func frames(_ tracks: FaceTracks) -> [[Int]] { tracks.tracks.map { $0.map(\.frame) } }

    @Test func onePersonWhoMoves() {
        let tracks = FaceTracks((0..<10).map { [Self.place(100 + 40 * Double($0), size: 80 + 4 * Double($0))] })
        #expect(Self.frames(tracks) == [Array(0..<10)])
    }

    /// Each stays itself although the detector names them in another order every time.
    @Test func twoPeople() {
        let tracks = FaceTracks((0..<8).map { frame in
            let two = [Self.place(100), Self.place(400, size: 90)]
            return frame % 2 == 0 ? two : two.reversed()
        })
        #expect(Self.frames(tracks) == [Array(0..<8), Array(0..<8)])
        #expect(tracks.tracks[0].map(\.face) == [1, 0, 1, 0, 1, 0, 1, 0], "the larger comes first")
    }

    @Test func shortGapsAreBridgedAndLongOnesAreNot() {
        func seen(_ frames: [Int], of count: Int) -> FaceTracks {
            FaceTracks((0..<count).map { frames.contains($0) ? [Self.place(100)] : [] })
        }
        #expect(Self.frames(seen([0, 1, 5, 6], of: 8)) == [[0, 1, 5, 6]])
        #expect(Self.frames(seen([0, 1, 2, 7, 8], of: 9)) == [[0, 1, 2], [7, 8]])
    }

    @Test func aFaceElsewhereOrOfAnotherSizeIsAnother() {
        #expect(Self.frames(FaceTracks([[Self.place(100)], [Self.place(300)]])).count == 2)
        #expect(Self.frames(FaceTracks([[Self.place(100)], [Self.place(100, size: 200)]])).count == 2)
    }

    /// The nearer one goes on, whichever comes first.
    @Test func theNearestGoesOn() {
        let tracks = FaceTracks([[Self.place(100)], [Self.place(180), Self.place(110)], [Self.place(185), Self.place(112)]])
        #expect(tracks.tracks[0] == [.init(frame: 0, face: 0), .init(frame: 1, face: 1), .init(frame: 2, face: 1)])
        #expect(tracks.tracks[1] == [.init(frame: 1, face: 0), .init(frame: 2, face: 0)])
    }

    @Test func crowdsAreBounded() {
        let crowd = (0..<40).map { Self.place(Double($0) * 200) }
        #expect(FaceTracks([crowd, crowd]).tracks.count == FaceTracks.most)
        #expect(FaceTracks([]).tracks.isEmpty && FaceTracks([[], []]).tracks.isEmpty)
    }
}
