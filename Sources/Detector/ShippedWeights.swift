import Glibc
import NeuralCore

/// The networks of fixed weights that belong to the program and lie in this module's folder of resources.
enum ShippedWeights {
    /// How that folder is called beside the program; before the star stands the package's name.
    static let bundleSuffix = "*_Detector.resources"

    /// The tensors of the safetensors file at `path`; throws unless they are those of `shapes`, and no others, and finite.
    static func tensors(at path: String, shapes: [String: [Int]]) throws(CheckpointError) -> [String: Tensor] {
        let file = try MappedFile(path: path)
        guard SafetensorsFile.matches(file.bytes) else { throw .notACheckpoint("\(path) is no safetensors file") }
        var tensors: [String: Tensor] = [:]
        for entry in try SafetensorsFile(file: file).entries {
            guard entry.type.isFloat else { throw .unsupported("the tensor \(entry.name) holds integers") }
            tensors[entry.name] = try entry.load()
        }
        var mismatch = CheckpointError.Mismatch(missing: [], unexpected: [], wrongShape: [])
        for (name, expected) in shapes.sorted(by: { $0.key < $1.key }) {
            guard let tensor = tensors[name] else {
                mismatch.missing.append("\(name) \(expected)")
                continue
            }
            if tensor.shape != expected {
                mismatch.wrongShape.append(.init(name: name, expected: expected, found: tensor.shape))
            }
        }
        mismatch.unexpected = tensors.keys.filter { shapes[$0] == nil }.sorted()
        guard mismatch.isEmpty else { throw .mismatch(mismatch) }
        for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) where !tensor.isFinite { throw .notFinite(tensor: name) }
        return tensors
    }

    /// The file of that name in the folder of resources that is built beside the program, nil if there is none.
    ///
    /// Any package's: the same module is built by packages of other names.
    static func path(of fileName: String) -> String? {
        let folder = programFolder()
        guard let entries = opendir(folder) else { return nil }
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
        return nil
    }

    /// The folder of the running program.
    static func programFolder() -> String {
        var path = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &path, path.count)
        guard count > 0, let slash = path[..<count].lastIndex(of: UInt8(ascii: "/")), slash > 0 else { return "." }
        return String(decoding: path[..<slash], as: UTF8.self)
    }
}
