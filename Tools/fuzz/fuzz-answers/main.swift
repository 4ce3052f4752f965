import CFuzzDriver
import Glibc
import JobModel
import VideoProtocol

// libFuzzer also brings a main of its own, which looks for this name.
/// A decoder child that was taken over may say anything; the first byte says how its words are cut.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzAnswers(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    guard let data else { return 0 }
    guard size > 1 else { return 0 }
    let bytes = UnsafeBufferPointer(start: data, count: size)
    let chunk = max(1, Int(bytes[0]))
    let request = SamplingRequest(
        sampling: Sampling(mode: bytes[0] % 2 == 0 ? .exact : .keyframe, count: 3),
        pictures: [.squeezed(width: 4, height: 2), .fitted(maxWidth: 6, maxHeight: 6)])
    var parser = AnswerParser(request: request, limits: DecoderLimits(), bufferCount: 2)
    var frames: Set<Int> = []
    var at = 1
    do throws(VideoError) {
        while at < size {
            parser.feed(bytes[at..<min(size, at + chunk)])
            at += chunk
            while let message = try parser.next() {
                switch message {
                case .progress(let fraction): precondition((0...1).contains(fraction), "progress \(fraction)")
                case .frame(let frame):
                    precondition((0..<2).contains(frame.buffer) && frame.pictures.count == 2, "\(frame)")
                    precondition(frame.pictures[1].width <= 6 && frame.pictures[1].height <= 6, "\(frame)")
                    precondition(frames.insert(frame.frameNumber).inserted, "a frame twice")
                case .restart: frames = []
                case .done(let done):
                    precondition(done.frameNumbers.count == 3 && Set(done.frameNumbers) == frames, "\(done)")
                case .failure(let error):
                    precondition(error.isInputFault || error.code == .unreadableInput, "\(error)")
                }
            }
        }
    } catch {
        precondition(error.code == .decoderProtocolError, "\(error)")
    }
    return 0
}

var argumentCount = CommandLine.argc
var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
exit(LLVMFuzzerRunDriver(&argumentCount, &arguments, fuzzAnswers))
