/// Why frames were not judged; a verdict is never made up instead.
public enum DetectorError: Error, Sendable, Equatable {
    /// Not between 1 and `ResNetDetector.maximumFrames`. The caller's mistake; refuse for good.
    case frameCount(Int)
    /// A frame, or the whole input, has another size than the network takes. The caller's mistake; refuse for good.
    case inputSize(expected: String, found: String)
    /// The normalised input holds a NaN or an infinity. Refuse for good.
    case inputNotFinite(frame: Int)
    /// The network computed a NaN or an infinity: the weights are broken or the machine is. Stop the process.
    case outputNotFinite(what: String)
}

extension DetectorError: CustomStringConvertible {
    /// One line for a person.
    public var description: String {
        switch self {
        case .frameCount(let count): "\(count) frames given, between 1 and \(ResNetDetector.maximumFrames) wanted"
        case .inputSize(let expected, let found): "the input is \(found), \(expected) wanted"
        case .inputNotFinite(let frame): "frame \(frame) of the input holds a NaN or an infinity"
        case .outputNotFinite(let what): "the network's \(what) is a NaN or an infinity; the model is broken"
        }
    }
}
