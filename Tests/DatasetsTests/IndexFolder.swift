import Crops
import Datasets
import Foundation
import Testing
import Video

/// A folder with clips and stills that Debian's ffmpeg makes of the sample clip, which shows one face.
struct IndexFolder: ~Copyable {
    static let sample = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("samples/astronaut-real.mp4").path

    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/whorl-index-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            Issue.record("a test's folder stays behind: \(error)")
        }
    }

    var data: String { "\(path)/data" }
    var output: String { "\(path)/out" }

    /// Where a file of the data is; its folder is made.
    func place(_ name: String) throws -> String {
        let place = URL(fileURLWithPath: "\(data)/\(name)")
        try FileManager.default.createDirectory(at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
        return place.path
    }

    func write(_ name: String, _ bytes: some Sequence<UInt8>) throws {
        try Data(Array(bytes)).write(to: URL(fileURLWithPath: try place(name)))
    }

    func bytes(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)"))) }

    func ffmpeg(_ name: String, _ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/ffmpeg")
        process.arguments = ["-nostdin", "-v", "error", "-y", "-bitexact"] + arguments + [try place(name)]
        process.standardInput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "ffmpeg could not make \(name)")
    }

    /// The sample from a time on, with a filter over it.
    func clip(_ name: String, from seconds: Double = 0, frames: Int = 12, filter: String = "null") throws {
        try ffmpeg(
            name,
            [
                "-ss", "\(seconds)", "-i", IndexFolder.sample, "-frames:v", "\(frames)", "-vf", filter, "-c:v", "libx264", "-preset", "ultrafast",
                "-crf", "12",
            ])
    }

    func still(_ name: String, at seconds: Double = 0, filter: String = "null") throws {
        try ffmpeg(name, ["-ss", "\(seconds)", "-i", IndexFolder.sample, "-frames:v", "1", "-vf", filter])
    }

    func request(_ settings: CropSettings = CropSettings(framesPerClip: 3), rules: SourceRules = SourceRules(), threads: Int = 2)
        -> DatasetIndexer.Request
    {
        DatasetIndexer.Request(folders: [data], output: output, rules: rules, settings: settings, threads: threads)
    }

    func index(
        _ request: DatasetIndexer.Request? = nil, meshOf: MeshFinder? = nil
    ) async throws(DatasetError) -> CropDataset {
        let decoder = DecoderProcess(executablePath: ProcessInfo.processInfo.environment["WHORL_DECODER"])
        return try await DatasetIndexer(decoder: decoder, meshOf: meshOf).index(request ?? self.request())
    }

    /// Why the folders are not indexed; whatever it is, nothing may be written.
    func refusal(_ request: DatasetIndexer.Request? = nil) async throws -> DatasetError {
        do throws(DatasetError) {
            _ = try await index(request)
        } catch {
            #expect(!FileManager.default.fileExists(atPath: output))
            #expect(!FileManager.default.fileExists(atPath: "\(output).partial"))
            return error
        }
        throw CocoaError(.featureUnsupported)
    }
}
