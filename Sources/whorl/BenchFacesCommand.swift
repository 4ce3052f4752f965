import Analysis
import ArgumentParser
import Detector
import Foundation
import JobModel
import NeuralCore
import Video

/// Times the search for faces against the network's forward.
struct BenchFacesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "faces",
        abstract: "Time the search for faces in a clip's sampled frames beside the network's forward on as many, both on one thread.",
        discussion: """
            The two take turns. Faces are found, cut out and measured as an analysis does it: --thorough searches every frame for the smallest faces, \
            otherwise one in four.
            """)

    @Argument(help: "The clip.", completion: .file())
    var file: String

    @Option(help: ArgumentHelp("The checkpoint.", valueName: "path"))
    var model: String

    @Option(help: ArgumentHelp("Kernels of the forward, which is in float32. Default: the fastest that this CPU has.", valueName: "kernels"))
    var kernels: KernelSet?

    @Flag(help: "Search every frame for the smallest faces.")
    var thorough = false

    @Option(help: ArgumentHelp("Turns.", valueName: "n"))
    var runs = 10

    func validate() throws {
        try BenchService.check(runs: runs)
    }

    func run() async throws {
        let clip = try ClipFile(path: file)
        let selection: KernelSelection
        do throws(KernelError) {
            selection = try KernelSelection(precision: .float32, kernels: kernels)
        } catch {
            throw CommandFailure(.usage, code: "kernels_unavailable", "\(error)")
        }
        let thread = NetworkThread()
        let detector = try await thread.load(path: model, threads: 1, selection: selection)
        let side = FaceFinder.pictureSide
        let request = SamplingRequest(pictures: [.fitted(maxWidth: side, maxHeight: side)])
        let frames: [RGBImage]
        do throws(VideoError) {
            frames = try await DecoderProcess().sample(fileDescriptor: clip.descriptor, request: request) { $0.pictures[0].copied() }
                .frames.map(\.kept)
        } catch {
            throw CommandFailure(JobFailure(error)).about(file)
        }
        let (faces, forward) = try await thread.timeFaces(in: frames, thorough: thorough, beside: detector, runs: runs)
        let ratios = zip(faces, forward).map { $0 / $1 }.sorted()
        print("\(frames.count) frames of \(frames[0].width)x\(frames[0].height), one thread")
        print("faces:   \(BenchService.summary(of: faces))")
        print("forward: \(BenchService.summary(of: forward)) in \(selection)")
        print("faces / forward: median \(ratios.median.text(2)) (\(ratios[0].text(2)) to \(ratios[ratios.count - 1].text(2)))")
    }
}

extension NetworkThread {
    /// Seconds of each search and of each forward, in turns after one of each that is not counted.
    fileprivate func timeFaces(
        in frames: [RGBImage], thorough: Bool, beside detector: ResNetDetector, runs: Int
    ) throws(CommandFailure) -> (faces: [Double], forward: [Double]) {
        let finder: FaceFinder
        do throws(FaceDetectorError) {
            finder = try FaceFinder(rule: FaceCropRule())
        } catch {
            throw CommandFailure(.failure, code: "face_detector_missing", "\(error)")
        }
        let shown = frames[0].resized(width: 48, height: 27)
        let input = frames.map { _ in [UInt8](repeating: 99, count: ResNetDetector.inputSize * ResNetDetector.inputSize * 3) }
        var times: (faces: [Double], forward: [Double]) = ([], [])
        for run in 0...runs {
            let start = ContinuousClock.now
            for (sample, frame) in frames.enumerated() {
                _ = frame.withView { view in
                    shown.withView { finder.find(in: view, shown: $0, sample: sample, isThorough: thorough || FaceFinder.isThorough(sample: sample)) }
                }
            }
            let middle = ContinuousClock.now
            do throws(DetectorError) {
                _ = try detector.evaluate(frames: input)
            } catch {
                throw CommandFailure(.failure, code: "network_failed", "\(error)")
            }
            guard run > 0 else { continue }
            times.faces.append((middle - start) / .seconds(1))
            times.forward.append((ContinuousClock.now - middle) / .seconds(1))
        }
        return times
    }
}
