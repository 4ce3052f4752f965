import CLibav
import JobModel

/// Samples a clip inside this process; only the decoder child runs it on bytes that somebody else sent.
///
/// The packets are read first and nothing is decoded. Where they tell the frames, only what the wanted frames need is decoded
/// (`IndexedSampling`); where they do not, or turn out to have lied, the clip is decoded from its first frame to its last (`SequentialSampling`),
/// which is what exact means.
package struct VideoSampler {
    private let file: ClipFile
    private let request: SamplingRequest
    private let limits: DecoderLimits
    private let deadline: Deadline

    /// A sampler of the clip that `descriptor` has open; its file position is neither used nor moved.
    package init(descriptor: Int32, request: SamplingRequest, limits: DecoderLimits) throws(VideoError) {
        try limits.validate()
        try request.validate()
        file = try ClipFile(descriptor: descriptor, acceptsStills: request.acceptsStills)
        self.request = request
        self.limits = limits
        deadline = Deadline(secondsFromNow: limits.wallClockSeconds)
    }

    /// Delivers the frames and says which they were.
    package func run(into outlet: FrameOutlet) throws(VideoError) -> DecoderRecord.Done {
        let reader = try ClipReader(file, limits: limits, deadline: deadline)
        let parameters = try StreamParameters(reader)
        _ = try parameters.decoder()
        let index = try PacketIndex(reader, codec: parameters.codecName, limits: limits)
        var reason = index.irregularity
        if reason == nil {
            let sampling = IndexedSampling(
                file: file, request: request, limits: limits, deadline: deadline, index: index, parameters: parameters,
                outlet: outlet)
            if let done = try sampling.run(reader) { return done }
            try outlet.restart()
            reason = "its frames were not what its packets said"
        }
        return try SequentialSampling(
            file: file, request: request, limits: limits, deadline: deadline, parameters: parameters, outlet: outlet,
            reason: reason ?? ""
        ).run(estimate: index.entries.count)
    }
}
