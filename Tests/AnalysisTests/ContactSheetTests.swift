import Analysis
import JobModel
import Testing
import Video

@Suite struct ContactSheetTests {
    private func analysis(count: Int = 16, width: Int = 160, height: Int = 90, trained: Bool = true) -> ClipAnalysis {
        let frames = (0..<count).map { index in
            let probability = Double(index + 1) / Double(count + 1)
            return Verdict.Frame(
                index: index, frameNumber: index, timestampSeconds: Double(index) / 4, logit: probability - 0.5,
                probability: probability, contribution: (probability - 0.5) / Double(count))
        }
        let track = Verdict.Track(
            track: 0, label: .fake, logit: 0, probability: 0.5, gradcamRange: [-1, 1], frames: frames)
        let verdict = Verdict(
            label: trained ? .fake : .uncertain, probability: 0.7, confidence: 0.7, logit: 0.9, threshold: 0.5,
            abstention: [0.4, 0.6],
            model: .init(
                name: "m", version: "1", sha256: "ab", trained: trained, region: "frame", precision: "float32", temperature: 1),
            video: .init(codec: "h264", width: width, height: height, durationSeconds: 4, frameCount: 100, sha256: "cd"),
            sampling: .init(Sampling(count: count)), tracks: [track], decidedBy: 0, reasons: trained ? [] : [.untrainedModel],
            warnings: [], reused: false, timings: .init(decodeMilliseconds: 0, forwardMilliseconds: 0, drawMilliseconds: 0))
        let evidence = (0..<count).map { index in
            FrameEvidence(
                track: 0, frame: index,
                picture: RGBImage(width: width, height: height, pixels: [UInt8](repeating: 90, count: width * height * 3)),
                map: HeatMap(width: 7, height: 7, values: (0..<49).map { $0 == 24 ? 1 : 0 }))
        }
        return ClipAnalysis(verdict: verdict, evidence: evidence)
    }

    @Test func growsWithItsFrames() {
        let sixteen = ContactSheet(title: "a.mp4").draw(analysis())
        #expect(sixteen.width == ContactSheet.width)
        #expect(sixteen.height > 600 && sixteen.height < 2000)
        let sixtyFour = ContactSheet(title: "a.mp4").draw(analysis(count: 64))
        #expect(sixtyFour.height > 2 * sixteen.height)
    }

    @Test(arguments: [(1, 160, 90), (3, 90, 160), (5, 16, 480), (2, 480, 16), (17, 1, 1)])
    func oddShapes(_ count: Int, _ width: Int, _ height: Int) {
        let sheet = ContactSheet(title: "a.mp4").draw(analysis(count: count, width: width, height: height))
        #expect(sheet.width == ContactSheet.width)
    }

    @Test func nothingJudged() {
        var empty = analysis()
        empty.evidence = []
        empty.verdict.tracks = []
        empty.verdict.decidedBy = nil
        (empty.verdict.probability, empty.verdict.confidence, empty.verdict.logit) = (nil, nil, nil)
        empty.verdict.label = .uncertain
        empty.verdict.reasons = [.noFace]
        let sheet = ContactSheet(title: "a.mp4").draw(empty)
        #expect(sheet.width == ContactSheet.width && sheet.height > 100)
    }

    /// What the sheet says, it says in pixels: another title, label, or model gives another picture.
    @Test func drawsItsWords() {
        let plain = analysis()
        let sheet = ContactSheet(title: "a.mp4").draw(plain)
        #expect(ContactSheet(title: "a.mp4").draw(plain) == sheet)
        #expect(ContactSheet(title: "b.mp4").draw(plain) != sheet)
        var other = plain
        other.verdict.label = .real
        #expect(ContactSheet(title: "a.mp4").draw(other) != sheet)
        var named = plain
        named.verdict.model.version = "2"
        #expect(ContactSheet(title: "a.mp4").draw(named) != sheet)
        #expect(ContactSheet(title: "a.mp4").draw(analysis(trained: false)) != sheet)
        // No title is too long, and none has a letter that stops the drawing.
        let long = String(repeating: "wide ", count: 200) + "\u{1F600}ü\n"
        #expect(ContactSheet(title: long).draw(plain).width == ContactSheet.width)
    }

    @Test func theTypefaceHasAllPrintableASCII() {
        for scalar in 0x20...0x7E {
            guard let scalar = Unicode.Scalar(UInt32(scalar)) else { continue }
            #expect(BitmapFont.covers(Character(scalar)), "\(scalar)")
        }
        #expect(BitmapFont.covers("…") && BitmapFont.covers("×"))
        #expect(!BitmapFont.covers("ü"))
        #expect(BitmapFont.width(of: "") == 0)
        #expect(BitmapFont.width(of: "111") == BitmapFont.width(of: "888"))
        #expect(BitmapFont.width(of: "ill") < BitmapFont.width(of: "WWW"))
    }
}
