import Detector
import JobModel
import Video

/// What the tracks of a clip come to.
package struct Finding: Sendable {
    package var tracks: [Verdict.Track]
    /// Index into `tracks`; nil when nothing was judged long enough.
    package var decidedBy: Int?
    /// Why nothing decides; the decision rule adds its own.
    package var reasons: [Verdict.Reason]
}

/// A network's output on a track as the verdict tells it.
struct JudgedTrack {
    struct Frame {
        var index: Int
        var frameNumber: Int
        var timestampSeconds: Double
        var box: Verdict.Box?

        init(_ index: Int, _ frameNumber: Int, _ timestampSeconds: Double, _ box: Verdict.Box?) {
            self.index = index
            self.frameNumber = frameNumber
            self.timestampSeconds = timestampSeconds
            self.box = box
        }
    }

    let track: Verdict.Track

    /// `frames` are those that the output is about, in that order.
    init(index: Int, output: DetectorOutput, rule: DecisionRule, frames: [Frame]) {
        let probability = rule.probability(ofLogit: output.logit)
        let range = output.mapRange
        track = Verdict.Track(
            track: index, label: rule.decide(probability: probability).label, logit: output.logit, probability: probability,
            gradcamRange: [Double(range.lowerBound), Double(range.upperBound)],
            frames: frames.enumerated().map { place, frame in
                Verdict.Frame(
                    index: frame.index, frameNumber: frame.frameNumber, timestampSeconds: frame.timestampSeconds,
                    logit: output.frameLogits[place], probability: rule.probability(ofLogit: output.frameLogits[place]),
                    contribution: output.contributions[place], box: frame.box)
            })
    }
}

/// Judges a clip by its faces: each person by the frames that show them well, and the clip by the most suspicious person who is seen long enough.
package struct FaceJudgement {
    /// A track decides when it was judged in at least this share of the samples.
    private static let leastShare = 0.25

    package let finding: Finding
    package let evidence: [FrameEvidence]

    package init(
        _ frames: [SampledFrame<FaceFrame>], rule: DecisionRule,
        evaluate: ([[UInt8]]) throws(JobFailure) -> DetectorOutput
    ) throws(JobFailure) {
        let places = frames.map { frame in
            frame.kept.faces.map { FaceTracks.Place(centerX: $0.crop.centerX, centerY: $0.crop.centerY, size: $0.crop.side) }
        }
        var tracks: [Verdict.Track] = []
        var evidence: [FrameEvidence] = []
        for members in FaceTracks(places).tracks {
            let judged = members.filter { frames[$0.frame].kept.faces[$0.face].flaw == nil }
            guard !judged.isEmpty else { continue }
            let sightings = judged.map { frames[$0.frame].kept.faces[$0.face] }
            let output = try evaluate(sightings.map(\.input.pixels))
            let index = tracks.count
            tracks.append(
                JudgedTrack(
                    index: index, output: output, rule: rule,
                    frames: zip(judged, sightings).map { member, sighting in
                        let frame = frames[member.frame]
                        return .init(frame.index, frame.frameNumber, frame.timestampSeconds, sighting.box)
                    }
                ).track)
            for (place, member) in judged.enumerated() {
                let frame = frames[member.frame]
                let face = FaceEvidence(
                    picture: sightings[place].input, crop: sightings[place].crop.scaled(by: frame.kept.pictureScale))
                evidence.append(
                    FrameEvidence(
                        track: index, frame: frame.index, picture: frame.kept.picture, map: output.heatMap(frame: place), face: face))
            }
        }
        let least = max(1, Int((Double(frames.count) * Self.leastShare).rounded(.up)))
        let decidedBy = tracks.indices.filter { tracks[$0].frames.count >= least }.max { tracks[$0].logit < tracks[$1].logit }
        finding = Finding(
            tracks: tracks, decidedBy: decidedBy,
            reasons: decidedBy == nil ? Self.reasons(frames, isAnyoneJudged: !tracks.isEmpty) : [])
        self.evidence = evidence
    }

    /// Why nobody decides: the flaws of the faces, the most frequent first.
    private static func reasons(_ frames: [SampledFrame<FaceFrame>], isAnyoneJudged: Bool) -> [Verdict.Reason] {
        if isAnyoneJudged { return [.seenTooBriefly] }
        let flaws = Dictionary(grouping: frames.flatMap(\.kept.faces).compactMap(\.flaw), by: { $0 }).mapValues(\.count)
        if flaws.isEmpty { return [.noFace] }
        return flaws.sorted { ($0.value, $1.key.rawValue) > ($1.value, $0.key.rawValue) }.map(\.key)
    }
}

extension DetectorOutput {
    /// One frame's map.
    func heatMap(frame: Int) -> HeatMap {
        HeatMap(width: maps.shape[2], height: maps.shape[1], values: map(frame: frame))
    }
}

extension Verdict {
    /// The verdict that a finding comes to under a model's rule.
    init(
        _ finding: Finding, rule: DecisionRule, card: ModelCard, model sha256: String, video: VideoSummary, sampling: Sampling,
        toleranceSeconds: Double, warnings: [String], timings: Timings
    ) {
        let deciding = finding.decidedBy.map { finding.tracks[$0] }
        // Without a number the rule has nothing to say, but an untrained model stays one.
        let (label, reasons) = deciding.map { rule.decide(probability: $0.probability) }
            ?? (.uncertain, (rule.isTrained ? [] : [.untrainedModel]) + finding.reasons)
        self.init(
            label: label, probability: deciding?.probability, confidence: deciding.map { max($0.probability, 1 - $0.probability) },
            logit: deciding?.logit, threshold: rule.threshold, abstention: [rule.abstention.lowerBound, rule.abstention.upperBound],
            model: ModelSummary(
                name: card.name, version: card.version, sha256: sha256, trained: card.trained, region: card.region.rawValue,
                precision: card.precision, temperature: card.temperature),
            video: video, sampling: SamplingSummary(sampling, toleranceSeconds: toleranceSeconds), tracks: finding.tracks,
            decidedBy: finding.decidedBy, reasons: reasons, warnings: warnings, reused: false, timings: timings)
    }
}
