import ArgumentParser
import Crops
import Datasets
import Detector
import Foundation
import Video

extension CropSource.Label: ExpressibleByArgument {}

/// Makes a dataset.
struct DatasetIndexCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "index",
        abstract: "Find the faces in folders of clips and stills and cut them out into a dataset.",
        discussion: """
            What is real and what is fake follows from the folders real/ and fake/ in a file's path, of which the last counts. A fake's method is \
            the folder below fake/, or the start of its name before the first _. A group is what training and validation never share: by default a \
            file's name without its ending and its method. --csv and --pattern say otherwise, and --label labels what nothing else does.

            A pattern is a regular expression that is looked for in each path, FOLDER/below/name.mp4, and captures (?<label>…), (?<method>…) or \
            (?<group>…); sources that share a group, also by way of (?<group2>…) to (?<group9>…) of others, are one: with
              --pattern '(?<group>\\d+)(?:_(?<group2>\\d+))?\\.mp4$'
            the fakes Deepfakes_183_253.mp4 and FaceSwap_253_183.mp4 and the reals 183.mp4 and 253.mp4 are one group.

            The columns of --csv are path and any of label, method, group to group9; a path may be the end of a file's.

            Clips that cannot be decoded, and sources without a face that can be judged, are skipped and listed. The dataset's folder gets a \
            report, report.json, and a sheet of samples, samples.jpg. If anything else goes wrong, nothing is written.
            """)

    @Argument(help: ArgumentHelp("Folders of clips and stills.", valueName: "folder"), completion: .directory)
    var folders: [String]

    @Option(help: ArgumentHelp("The dataset's folder, which must be new.", valueName: "dir"))
    var output: String

    @Flag(help: "Replace a dataset that is there already, once the new one is whole.")
    var force = false

    @Option(help: ArgumentHelp("What to read off a file's path.", valueName: "re"))
    var pattern: String?

    @Option(help: ArgumentHelp("A table of the files.", valueName: "file"), completion: .file(extensions: ["csv"]))
    var csv: String?

    @Option(help: ArgumentHelp("The label of files that nothing else labels.", valueName: "real|fake"))
    var label: CropSource.Label?

    @Option(help: ArgumentHelp("Evenly spaced frames of a clip, 1 to 64.", valueName: "n"))
    var frames = CropSettings().framesPerClip

    @Option(help: ArgumentHelp("Side of a crop, in longer sides of the face's box, 1 to 8.", valueName: "x"))
    var context = CropSettings().contextScale

    @Option(help: ArgumentHelp("Most pixels of a crop's side, 64 to 2048; larger ones are shrunk.", valueName: "n"))
    var pixels = CropSettings().pixels

    @Option(help: ArgumentHelp("Clips that are read at a time, 1 to 64.", valueName: "n"))
    var threads = min(16, ProcessInfo.processInfo.activeProcessorCount)

    @Flag(help: "Keep everybody in a clip, and not only the one who is seen largest and longest.")
    var allPeople = false

    @Flag(help: "Keep the whole picture that shows a face, for recipes whose region is frame; --context is of no use then.")
    var wholeFrames = false

    @Flag(help: "Print the report as JSON.")
    var json = false

    func validate() throws {
        guard !folders.isEmpty else { throw ValidationError("name at least one folder") }
        guard (1...64).contains(frames) else { throw ValidationError("--frames must be 1 to 64") }
        guard DatasetIndexer.contextRange.contains(context) else { throw ValidationError("--context must be 1 to 8") }
        guard DatasetIndexer.pixelRange.contains(pixels) else { throw ValidationError("--pixels must be 64 to 2048") }
        guard DatasetIndexer.threadRange.contains(threads) else { throw ValidationError("--threads must be 1 to 64") }
        guard !(allPeople && wholeFrames) else { throw ValidationError("--all-people and --whole-frames: a frame would be kept for each person in it") }
    }

    func run() async throws {
        let request = DatasetIndexer.Request(
            folders: folders, output: output, rules: try rules(),
            settings: CropSettings(framesPerClip: frames, contextScale: context, pixels: pixels, keepsEveryone: allPeople, wholeFrames: wholeFrames), threads: threads,
            replaces: force)
        let line = ProgressLine(subject: URL(fileURLWithPath: output).lastPathComponent)
        let dataset: CropDataset
        do throws(DatasetError) {
            dataset = try await DatasetIndexer(meshOf: try meshFinder()).index(request) { progress in
                line.show(
                    progress.total > 1 ? "\(progress.step.rawValue) \(progress.done)/\(progress.total)" : progress.step.rawValue,
                    Double(progress.done) / Double(max(1, progress.total)))
            }
        } catch {
            line.clear()
            throw CommandFailure(error)
        }
        line.clear()
        try DatasetReportPrinter.print(DatasetReport(dataset), json: json)
        if !json { print("sheet of samples: \(Terminal.printable(dataset.path))/\(SampleSheet.fileName)") }
    }

    private func meshFinder() throws(DatasetError) -> MeshFinder {
        do throws(FaceMeshError) {
            let mesh = try FaceMesh()
            return { face, picture in
                mesh.points(
                    of: face, pixels: picture.pixels, width: picture.width, height: picture.height, rowBytes: picture.rowBytes
                ).map { ($0.points, $0.score) }
            }
        } catch {
            throw .faceMesh(error)
        }
    }

    private func rules() throws -> SourceRules {
        let table = try csv.map { file -> (name: String, text: String) in
            do {
                return (Terminal.printable(file), try String(contentsOfFile: file, encoding: .utf8))
            } catch {
                throw CommandFailure(.badInput, code: "unreadable_input", "\(Terminal.printable(file)): cannot be read as UTF-8 text")
            }
        }
        do throws(CropsError) {
            return try SourceRules(pattern: pattern, table: table, label: label)
        } catch {
            throw CommandFailure(error)
        }
    }
}

extension CommandFailure {
    init(_ error: DatasetError) {
        switch error {
        case .crops(let error): self.init(error)
        case .unreadableFolder: self.init(.badInput, code: "unreadable_input", "\(error)")
        case .nothingFound, .noCrops, .noReals: self.init(.badInput, code: "no_sources", "\(error)")
        case .badOption: self.init(.usage, code: "bad_option", "\(error)")
        case .faceDetector, .faceMesh: self.init(.failure, code: "bad_checkpoint", "\(error)")
        case .decoder, .sheet: self.init(.failure, code: "decoder_failed", "\(error)")
        case .cancelled: self.init(.failure, code: "cancelled", "\(error)")
        }
    }
}
