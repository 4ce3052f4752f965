import Crypto
import Foundation
import NeuralCore

/// All that a run needs to go on as if it had never stopped.
///
/// The file: 8 bytes of magic, the header's length (8 bytes, little-endian), the header as JSON, the buffers' floats one after the other
/// (little-endian), and the SHA-256 of all before.
public struct TrainingState: Codable, Sendable, Equatable {
    /// Raised whenever a state of before could be misread.
    public static let version = 1
    private static let magic = Array("WHORLTRN".utf8)
    private static let digestBytes = 32
    private static let maximumHeaderBytes = 1 << 20

    /// What a run is of; a state of another is refused.
    public struct Identity: Codable, Sendable, Equatable {
        /// `Recipe.digest`.
        public var recipe: String
        /// Digest of the data that it trains on and is validated on, and of the weights that it starts from.
        public var data: String

        public init(recipe: String, data: String) {
            self.recipe = recipe
            self.data = data
        }
    }

    /// The validation that was best.
    public struct Best: Codable, Sendable, Equatable {
        public var step: Int
        public var auc: Double
    }

    /// A run of floats in the file.
    public struct Block: Codable, Sendable, Equatable {
        public var name: String
        public var count: Int
    }

    public var version = TrainingState.version
    public var identity: Identity
    /// Steps that are done.
    public var step: Int
    /// Length of metrics.jsonl at that step, in bytes; what comes after is of a run that was killed.
    public var metricsBytes: Int
    /// Kernels that computed it: with others the bits that follow are others.
    public var kernels: String
    public var best: Best?
    /// Validations since the best one.
    public var validationsSinceBest: Int
    /// True once nothing is left to train.
    public var isFinished: Bool
    public var blocks: [Block]

    /// Writes the state with its buffers, whose names and sizes become `blocks`.
    func write(to path: String, buffers: [(name: String, buffer: ParameterBuffer)]) throws(TrainingError) {
        var state = self
        state.blocks = buffers.map { Block(name: $0.name, count: $0.buffer.layout.count) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let header: Data
        do {
            header = try encoder.encode(state)
        } catch {
            throw .unwritable(path: path, reason: "its header is no JSON: \(error)")
        }
        var start = Data(Self.magic)
        withUnsafeBytes(of: UInt64(header.count).littleEndian) { start.append(contentsOf: $0) }
        let first = Array(start + header)
        try DurableFile.write(path) { put throws(TrainingError) in
            var hash = SHA256()
            func add(_ bytes: UnsafeRawBufferPointer) throws(TrainingError) {
                hash.update(bufferPointer: bytes)
                try put(bytes)
            }
            try first.withUnsafeBufferPointer { bytes throws(TrainingError) in try add(UnsafeRawBufferPointer(bytes)) }
            for (_, buffer) in buffers { try add(UnsafeRawBufferPointer(buffer.values)) }
            let digest = Array(hash.finalize())
            try digest.withUnsafeBufferPointer { bytes throws(TrainingError) in try put(UnsafeRawBufferPointer(bytes)) }
        }
    }

    /// Reads a state of this run; nothing is filled in before all of it is known to be whole.
    static func read(
        from path: String, identity: Identity, buffers: [(name: String, buffer: ParameterBuffer)]
    ) throws(TrainingError) -> TrainingState {
        let data: Data
        do {
            data = try Data(contentsOf: URL(fileURLWithPath: path), options: .alwaysMapped)
        } catch {
            throw .state(path: path, reason: "it cannot be read: \(error.localizedDescription)")
        }
        let start = magic.count + 8
        guard data.count >= start + digestBytes, data.prefix(magic.count).elementsEqual(magic) else {
            throw .state(path: path, reason: "it is no state of a training")
        }
        let length = data.withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: magic.count, as: UInt64.self)) }
        guard length <= maximumHeaderBytes, data.count >= start + Int(length) + digestBytes else {
            throw .state(path: path, reason: "it is cut short")
        }
        let header = data[start..<start + Int(length)]
        struct Version: Decodable { var version: Int }
        let state: TrainingState
        do {
            let found = try JSONDecoder().decode(Version.self, from: header).version
            guard found == Self.version else {
                throw TrainingError.state(
                    path: path, reason: "it is of version \(found), this program has \(Self.version); train anew or use that program")
            }
            state = try JSONDecoder().decode(TrainingState.self, from: header)
        } catch let error as TrainingError {
            throw error
        } catch {
            throw .state(path: path, reason: "its header is damaged")
        }
        try state.check(identity: identity, buffers: buffers, path: path)
        let floats = buffers.reduce(0) { $0 + $1.buffer.layout.count }
        let end = start + Int(length) + floats * 4
        guard data.count == end + digestBytes else { throw .state(path: path, reason: "it has \(data.count) bytes, not \(end + digestBytes)") }
        guard SHA256.hash(data: data[..<end]).elementsEqual(data[end...]) else {
            throw .state(path: path, reason: "its digest is wrong: the file is damaged")
        }
        data.withUnsafeBytes { bytes in
            var offset = start + Int(length)
            for (_, buffer) in buffers {
                let target = UnsafeMutableRawBufferPointer(buffer.values)
                target.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + target.count]))
                offset += target.count
            }
        }
        return state
    }

    private func check(identity wanted: Identity, buffers: [(name: String, buffer: ParameterBuffer)], path: String) throws(TrainingError) {
        if identity.recipe != wanted.recipe {
            let digests = "\(wanted.recipe.prefix(12)), not \(identity.recipe.prefix(12))"
            throw .state(path: path, reason: "it cannot be resumed with this recipe (\(digests)): it is of another one, whose values recipe.json has")
        }
        if identity.data != wanted.data {
            let digests = "\(wanted.data.prefix(12)), not \(identity.data.prefix(12))"
            throw .state(path: path, reason: "it cannot be resumed with these data (\(digests)): it is of other data or first weights")
        }
        let expected = buffers.map { Block(name: $0.name, count: $0.buffer.layout.count) }
        guard blocks == expected else { throw .state(path: path, reason: "it is of a network of another shape") }
    }
}
