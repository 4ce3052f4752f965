import Analysis
import Crops
import Detector
import JobModel
import Synchronization
import Video

/// Folders of clips and stills in, a cache of faces out.
///
/// The same files and settings give the same bytes on any number of threads: sources are written in order of their paths, whoever is ready first.
public struct DatasetIndexer: Sendable {
    /// What is asked for.
    public struct Request: Sendable {
        /// Folders, and files by themselves.
        public var folders: [String]
        public var output: String
        public var rules: SourceRules
        public var settings: CropSettings
        /// Sources that are read at a time, 1…64; each has a decoder of one thread.
        public var threads: Int
        /// Whether an older dataset in the same place goes once the new one is whole.
        public var replaces: Bool

        public init(
            folders: [String], output: String, rules: SourceRules = SourceRules(), settings: CropSettings = CropSettings(), threads: Int = 2,
            replaces: Bool = false
        ) {
            self.folders = folders
            self.output = output
            self.rules = rules
            self.settings = settings
            self.threads = threads
            self.replaces = replaces
        }
    }

    /// How far an index is.
    public struct Progress: Sendable, Equatable {
        public enum Step: String, Sendable {
            case hashing, indexing, drawing
        }

        public var step: Step
        public var done: Int
        public var total: Int
    }

    public static let contextRange = 1.0...8.0
    public static let pixelRange = 64...2_048
    public static let threadRange = 1...64

    private let decoder: DecoderProcess
    private let meshOf: MeshFinder?

    /// - Parameters:
    ///   - decoder: whose executable and limits are used; its threads are one.
    ///   - meshOf: called from several threads at once, for every face that is cut out; without it crops have no meshes.
    public init(decoder: DecoderProcess = DecoderProcess(), meshOf: MeshFinder? = nil) {
        var limits = decoder.limits
        limits.threads = 1
        self.decoder = DecoderProcess(executablePath: decoder.executablePath, limits: limits)
        self.meshOf = meshOf
    }

    /// Makes the dataset, with a report (`report.json`) and a sheet of samples (`samples.jpg`) in its folder, and gives it.
    ///
    /// Sources that are at fault themselves are skipped, and noted with their reason; of files with the same bytes the first is taken.
    ///
    /// - Parameter progress: called from several threads, one at a time.
    /// - Throws: `DatasetError`; then nothing was written.
    public func index(
        _ request: Request, progress: @escaping @Sendable (Progress) -> Void = { _ in }
    ) async throws(DatasetError) -> CropDataset {
        try Self.check(request)
        let scan = try SourceScan(request.folders)
        guard !scan.files.isEmpty else { throw .nothingFound(folders: request.folders) }
        let finder: FaceFinder
        do throws(FaceDetectorError) {
            finder = try FaceFinder(rule: FaceCropRule())
        } catch {
            throw .faceDetector("\(error)")
        }
        let cutter = FrameCutter(finder: finder, meshOf: meshOf, settings: request.settings)
        let readers = (0..<request.threads).map { _ in SourceReader(decoder: decoder, cutter: cutter) }
        do {
            // Rules are held against the paths before anything is read.
            let facts = try request.rules.facts(of: scan.files.map(\.path))
            let writer = try CropDatasetWriter(path: request.output, settings: request.settings, replaces: request.replaces)
            let hashed = try await hash(scan.files, facts, by: readers, progress)
            for path in request.rules.rowsWithoutFile(among: scan.files.map(\.path)) {
                writer.add(SkippedSource(path: path, reason: "The table names it, and it is not there."))
            }
            for path in scan.others { writer.add(SkippedSource(path: path, reason: "Its name is not that of a clip or a picture.")) }
            try await fill(writer, hashed, by: readers, progress)
            progress(Progress(step: .drawing, done: 0, total: 1))
            try writer.finish { dataset throws(CropsError) in
                [
                    (name: DatasetReport.fileName, bytes: try DatasetReport(dataset).encoded()),
                    (name: SampleSheet.fileName, bytes: try SampleSheet(dataset).encoded()),
                ]
            }
            progress(Progress(step: .drawing, done: 1, total: 1))
            return try CropDataset.open(path: writer.path)
        } catch let error as DatasetError {
            throw error
        } catch let error as CropsError {
            throw .crops(error)
        } catch {
            throw .cancelled
        }
    }

    private static func check(_ request: Request) throws(DatasetError) {
        let settings = request.settings
        guard Sampling.countRange.contains(settings.framesPerClip) else {
            throw .badOption("frames of a clip must be \(Sampling.countRange.lowerBound) to \(Sampling.countRange.upperBound)")
        }
        guard contextRange.contains(settings.contextScale) else {
            throw .badOption("the context must be \(contextRange.lowerBound) to \(contextRange.upperBound) sides of the face")
        }
        guard pixelRange.contains(settings.pixels) else {
            throw .badOption("a crop's pixels must be \(pixelRange.lowerBound) to \(pixelRange.upperBound)")
        }
        guard threadRange.contains(request.threads) else {
            throw .badOption("threads must be \(threadRange.lowerBound) to \(threadRange.upperBound)")
        }
    }
}

extension DatasetIndexer {
    /// A file whose bytes are known, and what its place says of it.
    struct HashedFile: Sendable {
        var file: SourceScan.File
        var facts: SourceFacts
        var group: String
        var sha256: String
        var bytes: Int
        /// Why it is not to be read; nil if it is.
        var skipped: String?
    }

    /// Hashes all files, and finds those that are there twice.
    ///
    /// - Throws: `CropsError.twoLabels` for the same bytes under two labels.
    private func hash(
        _ files: [SourceScan.File], _ facts: [SourceFacts], by readers: [SourceReader], _ progress: @escaping @Sendable (Progress) -> Void
    ) async throws -> [HashedFile] {
        var hashed: [HashedFile] = []
        var first: [String: Int] = [:]
        // Groups know a copy's identities too: whoever is named in either place is in both.
        var identities = facts.map(\.identities)
        try await OrderedWork.run(count: files.count, workers: readers) { place, reader in
            try Task.checkCancellation()
            return await reader.hash(files[place].location)
        } take: { place, result in
            var file = HashedFile(file: files[place], facts: facts[place], group: "", sha256: "", bytes: 0)
            switch result {
            case .failure(let error): file.skipped = "The file cannot be read: \(error.reason). [unreadable_input]"
            case .success(let (sha256, bytes)):
                (file.sha256, file.bytes) = (sha256, bytes)
                if let earlier = first[sha256], bytes > 0 {
                    let original = hashed[earlier]
                    guard original.facts.label == file.facts.label else {
                        throw CropsError.twoLabels(
                            first: original.file.path, firstLabel: original.facts.label, second: file.file.path,
                            secondLabel: file.facts.label)
                    }
                    file.skipped = "It has the same bytes as \(original.file.path). [copy]"
                    identities[earlier] += facts[place].identities
                } else {
                    first[sha256] = place
                }
            }
            hashed.append(file)
            progress(Progress(step: .hashing, done: place + 1, total: files.count))
        }
        for (place, group) in SourceRules.groups(of: identities).enumerated() { hashed[place].group = group }
        return hashed
    }

    /// Reads the files and writes what came of them, in their order.
    private func fill(
        _ writer: CropDatasetWriter, _ files: [HashedFile], by readers: [SourceReader], _ progress: @escaping @Sendable (Progress) -> Void
    ) async throws {
        var cropCount = 0
        var firstReason = ""
        try await OrderedWork.run(count: files.count, workers: readers) { place, reader -> SourceReader.Outcome in
            if let reason = files[place].skipped { return .skipped(reason) }
            try Task.checkCancellation()
            do throws(VideoError) {
                return try await reader.faces(in: files[place].file.location)
            } catch {
                if error.code == .cancelled { throw CancellationError() }
                throw DatasetError.decoder(path: files[place].file.path, error)
            }
        } take: { place, outcome in
            let file = files[place]
            switch outcome {
            case .skipped(let reason):
                if firstReason.isEmpty { firstReason = "\(file.file.path): \(reason)" }
                writer.add(SkippedSource(path: file.file.path, reason: reason))
            case .crops(let info, let cuts):
                let source = writer.add(CropSource(file, info))
                for cut in cuts {
                    var crop = cut.crop
                    crop.source = source
                    try writer.add(crop, encoded: try cut.picture.get())
                    cropCount += 1
                }
            }
            progress(Progress(step: .indexing, done: place + 1, total: files.count))
        }
        guard cropCount > 0 else { throw DatasetError.noCrops(sources: files.count, first: firstReason) }
    }
}

extension CropSource {
    fileprivate init(_ file: DatasetIndexer.HashedFile, _ info: SourceReader.SourceInfo) {
        self.init(
            path: file.file.path, sha256: file.sha256, kind: info.kind, label: file.facts.label, method: file.facts.method,
            group: file.group, width: info.width, height: info.height, durationSeconds: info.durationSeconds, bytes: file.bytes,
            codec: info.codec)
    }
}
