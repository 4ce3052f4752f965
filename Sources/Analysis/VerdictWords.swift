import Foundation
import JobModel

extension Verdict {
    /// A verdict's warning in a sentence for people; one that this build does not know is given as it came.
    public static func explanation(ofWarning warning: String) -> String {
        switch warning {
        case "short_clip": "the clip has fewer frames than are sampled, so some are shown and counted more than once"
        case "damaged_frames": "some frames were damaged; those that decoded were used"
        case "truncated_tail": "the file ends before its container says it does"
        case "size_changed": "the picture's size changes inside the clip"
        case "missing_timestamps": "most frames carry no time; they were timed by the average rate"
        case "reencoded": "its frames were encoded again before they were sent, which hides some traces and adds others"
        default: warning
        }
    }

    /// The track that decided, nil when nothing was judged.
    public var decidingTrack: Track? {
        guard let decidedBy, tracks.indices.contains(decidedBy) else { return nil }
        return tracks[decidedBy]
    }
}

extension Verdict.Reason {
    /// Why the label is `uncertain`, in a sentence for people.
    public var explanation: String {
        switch self {
        case .untrainedModel: "the model was never trained; its weights are random and its numbers mean nothing"
        case .insideAbstentionBand: "the probability lies in the band where the model does not commit itself"
        case .noFace: "no face was found"
        case .tooSmall: "the faces are too small to judge"
        case .tooDark: "the faces are too dark to judge"
        case .tooBlurred: "the faces are too blurred to judge"
        case .seenTooBriefly: "no face was seen well in enough of the frames"
        }
    }
}

extension Verdict {
    /// A line for each person beside the one who decided, for models that look at faces.
    public var otherPeople: [String] {
        guard model.region == "face" else { return [] }
        return tracks.indices.filter { $0 != decidedBy }.map { index in
            let track = tracks[index]
            return "face \(index): \(track.label.rawValue), P \(decimal(track.probability, 3)), judged in \(track.frames.count) of "
                + "\(sampling.request.count) frames"
        }
    }
}

extension Verdict.Track {
    /// The frame that speaks loudest for `fake`: the one with the largest contribution to the logit.
    public var mostSuspicious: Verdict.Frame? {
        frames.max { $0.contribution < $1.contribution }
    }
}

/// A number with a fixed count of decimals, and with the sign of a minus that rounds to nothing left out.
func decimal(_ value: Double, _ places: Int) -> String {
    let text = String(format: "%.\(places)f", value)
    return text.hasPrefix("-") && !text.contains(where: { ("1"..."9").contains($0) }) ? String(text.dropFirst()) : text
}

/// A number with three significant digits.
func significant(_ value: Double) -> String { String(format: "%.3g", value) }
