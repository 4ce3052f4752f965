import Glibc
import NeuralCore

/// The parameters of MTCNN's three nets, by their names in facenet-pytorch prefixed with the net's.
struct FaceDetectorWeights {
    static let fileName = "face-detector.safetensors"
    /// How the folder of this module's resources is called beside the program; before the star stands the package's name.
    static let bundleSuffix = "*_Detector.resources"

    let tensors: [String: Tensor]

    /// Reads the file at `path`, or the one that belongs to the program; throws unless it holds the three nets' tensors and no others.
    init(path: String?) throws(FaceDetectorError) {
        let place = if let path { path } else { try FaceDetectorWeights.shippedPath() }
        do throws(CheckpointError) {
            tensors = try FaceDetectorWeights.read(place)
        } catch {
            throw .weights(error)
        }
    }

    private static func read(_ path: String) throws(CheckpointError) -> [String: Tensor] {
        let file = try MappedFile(path: path)
        guard SafetensorsFile.matches(file.bytes) else { throw .notACheckpoint("\(path) is no safetensors file") }
        var tensors: [String: Tensor] = [:]
        for entry in try SafetensorsFile(file: file).entries {
            guard entry.type.isFloat else { throw .unsupported("the tensor \(entry.name) holds integers") }
            tensors[entry.name] = try entry.load()
        }
        var mismatch = CheckpointError.Mismatch(missing: [], unexpected: [], wrongShape: [])
        for (name, expected) in FaceNet.shapes.sorted(by: { $0.key < $1.key }) {
            guard let tensor = tensors[name] else {
                mismatch.missing.append("\(name) \(expected)")
                continue
            }
            if tensor.shape != expected {
                mismatch.wrongShape.append(.init(name: name, expected: expected, found: tensor.shape))
            }
        }
        mismatch.unexpected = tensors.keys.filter { FaceNet.shapes[$0] == nil }.sorted()
        guard mismatch.isEmpty else { throw .mismatch(mismatch) }
        for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) where !tensor.isFinite { throw .notFinite(tensor: name) }
        return tensors
    }

    /// The file in the folder of resources that is built beside the program.
    ///
    /// Any package's: the same module is built by packages of other names.
    private static func shippedPath() throws(FaceDetectorError) -> String {
        let folder = programFolder()
        if let entries = opendir(folder) {
            defer { closedir(entries) }
            while let entry = readdir(entries) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                guard name.hasSuffix(bundleSuffix.dropFirst()) else { continue }
                for place in ["/\(fileName)", "/Resources/\(fileName)"] where access("\(folder)/\(name)\(place)", R_OK) == 0 {
                    return "\(folder)/\(name)\(place)"
                }
            }
        }
        throw .weightsMissing(folder: folder)
    }

    /// The folder of the running program.
    private static func programFolder() -> String {
        var path = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &path, path.count)
        guard count > 0, let slash = path[..<count].lastIndex(of: UInt8(ascii: "/")), slash > 0 else { return "." }
        return String(decoding: path[..<slash], as: UTF8.self)
    }
}
