import Analysis
import Detector
import JobModel
import NeuralCore
import Testing
import Video

/// What the faces of a clip come to.
@Suite struct FaceJudgementTests {
    private static let rule = DecisionRule(temperature: 1, threshold: 0.5, abstention: 0.4...0.6, isTrained: true)
    private static let input = RGBImage(width: 224, height: 224, pixels: [UInt8](repeating: 9, count: 224 * 224 * 3))
    private static let picture = RGBImage(width: 48, height: 27, pixels: [UInt8](repeating: 9, count: 48 * 27 * 3))

    /// A face whose first pixel says how suspicious it is.
    private static func face(at x: Double, suspicion: UInt8, flaw: Verdict.Reason? = nil) -> FaceSighting {
        var input = input
        input.pixels[0] = suspicion
        return FaceSighting(
            box: .init(x: x / 1920, y: 0.2, width: 0.1, height: 0.2, score: 1), crop: FaceCrop(centerX: x, centerY: 300, side: 200),
            input: input, flaw: flaw)
    }

    private static func judge(_ faces: [[FaceSighting]]) throws -> FaceJudgement {
        let frames = faces.enumerated().map { index, faces in
            SampledFrame(
                index: index, frameNumber: 10 * index, timestampSeconds: Double(index),
                kept: FaceFrame(picture: picture, pictureScale: 0.025, faces: faces))
        }
        return try FaceJudgement(frames, rule: rule) { inputs throws(JobFailure) in
            // A network that believes the first pixel: 100 is even.
            let logits = inputs.map { (Double($0[0]) - 100) / 10 }
            let count = Double(inputs.count)
            return DetectorOutput(
                logit: logits.reduce(0, +) / count, frameLogits: logits, contributions: logits.map { $0 / count }, headBias: 0,
                features: Tensor(shape: [inputs.count, 1], elements: [Float](repeating: 0, count: inputs.count)),
                maps: Tensor(
                    shape: [inputs.count, 7, 7], elements: (0..<inputs.count * 49).map { Float($0) - 20 }))
        }
    }

    @Test func theMostSuspiciousWhoIsSeenLongEnoughDecides() throws {
        let frames = (0..<16).map { frame -> [FaceSighting] in
            var faces = [Self.face(at: 300, suspicion: 60), Self.face(at: 1_000, suspicion: 130)]
            // More suspicious still, but in two frames of sixteen only.
            if frame < 2 { faces.append(Self.face(at: 1_700, suspicion: 200)) }
            return faces
        }
        let judgement = try Self.judge(frames)
        let finding = judgement.finding
        #expect(finding.tracks.map(\.frames.count) == [16, 16, 2] && finding.reasons.isEmpty)
        let decidedBy = try #require(finding.decidedBy)
        #expect(abs(finding.tracks[decidedBy].logit - 3) < 1e-9 && finding.tracks[decidedBy].label == .fake)
        #expect(finding.tracks.contains { $0.label == .real })
        #expect(judgement.evidence.count == 34)
        let face = try #require(judgement.evidence.first { $0.track == decidedBy }?.face)
        #expect(face.crop == FaceCrop(centerX: 25, centerY: 7.5, side: 5))
    }

    /// Only the frames that show a face well count, with their own numbers.
    @Test func flawedFramesAreLeftOut() throws {
        let frames = (0..<8).map { [Self.face(at: 300, suspicion: 120, flaw: $0 % 2 == 0 ? nil : .tooBlurred)] }
        let finding = try Self.judge(frames).finding
        #expect(finding.tracks.count == 1 && finding.tracks[0].frames.map(\.index) == [0, 2, 4, 6])
        #expect(finding.tracks[0].frames.map(\.frameNumber) == [0, 20, 40, 60] && finding.tracks[0].frames[1].box != nil)
        #expect(finding.decidedBy == 0)
    }

    @Test func nobodyNobodyFitAndNobodyLongEnough() throws {
        let nobody = try Self.judge(Array(repeating: [], count: 16)).finding
        #expect(nobody.tracks.isEmpty && nobody.decidedBy == nil && nobody.reasons == [.noFace])
        let flawed = (0..<16).map { [Self.face(at: 300, suspicion: 9, flaw: $0 < 5 ? .tooDark : .tooSmall)] }
        let unfit = try Self.judge(flawed).finding
        #expect(unfit.tracks.isEmpty && unfit.decidedBy == nil && unfit.reasons == [.tooSmall, .tooDark])
        let brief = try Self.judge((0..<16).map { $0 == 3 ? [Self.face(at: 300, suspicion: 200)] : [] }).finding
        #expect(brief.tracks.count == 1 && brief.decidedBy == nil && brief.reasons == [.seenTooBriefly])
    }
}
