import NeuralCore

/// The dictionaries of tensors in a file that `torch.save` wrote, zip (from 1.6 on) or legacy.
struct TorchFile {
    /// A dictionary of tensors and where in the file it stood.
    struct StateDict {
        let path: String
        let entries: [TensorEntry]
    }

    /// `torch.serialization.MAGIC_NUMBER`, 0x1950a86a20f9469cfc6c, little-endian.
    private static let legacyMagic: [UInt8] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19]
    /// `torch.serialization.PROTOCOL_VERSION`.
    private static let legacyVersion = 1001

    let format: String
    let stateDicts: [StateDict]

    /// Reads a zip file that holds `<name>/data.pkl` and `<name>/data/<key>`.
    init(archive: ZipArchive) throws(CheckpointError) {
        format = "PyTorch zip"
        let suffix = "/data.pkl"
        let pickles = archive.entries.keys.filter { $0.hasSuffix(suffix) }.sorted()
        guard let pickle = pickles.first, let entry = archive.entries[pickle] else {
            throw .notACheckpoint("the zip file holds neither data.pkl nor .npy arrays")
        }
        guard pickles.count == 1 else { throw .unsupported("the zip file holds several pickles: \(pickles)") }
        let folder = String(pickle.dropLast(suffix.count))
        guard archive.entries[folder + "/constants.pkl"] == nil else {
            throw .unsupported("it is a TorchScript program; save the model's state_dict instead")
        }
        if let order = archive.entries[folder + "/byteorder"] {
            let text = String(decoding: try order.read(limit: 16).bytes, as: UTF8.self)
            guard text == "little" else { throw .unsupported("its numbers are \(text)-endian") }
        }
        let contents = try entry.read(limit: PickleMachine.maximumBytes)
        var machine = PickleMachine(bytes: contents.bytes)
        let root = try machine.run()
        stateDicts = StateDictFinder(machine: machine).candidates(in: root).map { candidate in
            TorchFile.stateDict(candidate) { storage throws(CheckpointError) in
                let name = "\(folder)/data/\(storage.key)"
                guard let entry = archive.entries[name] else { throw .malformed("the storage \(name) is missing") }
                let wanted = try TorchFile.byteCount(of: storage)
                guard entry.count == wanted else {
                    throw .malformed("the storage \(name) has \(entry.count) bytes, \(wanted) expected")
                }
                return try entry.read(limit: wanted)
            }
        }
    }

    /// True if the bytes start with the pickled magic number of a legacy file.
    static func matchesLegacy(_ bytes: UnsafeRawBufferPointer) -> Bool {
        // Protocol, LONG1 and its length come before the number itself.
        bytes.count >= 4 && bytes[0] == 0x80 && bytes[2] == 0x8a && bytes[3] == UInt8(legacyMagic.count)
            && bytes.dropFirst(4).starts(with: legacyMagic)
    }

    /// Reads the layout before PyTorch 1.6: pickles of magic, version, system, object and storage keys, then storages.
    init(legacy file: MappedFile) throws(CheckpointError) {
        format = "PyTorch legacy"
        var machine = PickleMachine(bytes: file.bytes)
        guard case .bigInt(let magic) = try machine.run(), magic == TorchFile.legacyMagic else {
            throw .notACheckpoint("PyTorch's magic number is missing")
        }
        guard case .int(TorchFile.legacyVersion) = try machine.run() else {
            throw .unsupported("it is of an unknown version of PyTorch's format")
        }
        try TorchFile.checkByteOrder(try machine.run(), machine: machine)
        let root = try machine.run()
        let keys = try machine.run()
        let places = try TorchFile.legacyPlaces(of: keys, machine: machine, file: file)
        stateDicts = StateDictFinder(machine: machine).candidates(in: root).map { candidate in
            TorchFile.stateDict(candidate) { storage throws(CheckpointError) in
                guard let place = places[storage.key] else { throw .malformed("the storage \(storage.key) is missing") }
                return SharedBytes(of: file, in: place)
            }
        }
    }

    private static func stateDict(
        _ candidate: StateDictFinder.Candidate,
        bytes: @escaping @Sendable (PickleStorage) throws(CheckpointError) -> SharedBytes
    ) -> StateDict {
        let entries = candidate.tensors.map { name, tensor in
            TensorEntry(name: name, shape: tensor.shape, type: tensor.storage.type) { () throws(CheckpointError) -> Tensor in
                let shared = try bytes(tensor.storage)
                return tensor.storage.type.tensor(
                    shape: tensor.shape, strides: tensor.strides, firstElement: tensor.storage.offset + tensor.offset,
                    in: shared.bytes)
            }
        }
        return StateDict(path: candidate.path.joined(separator: "."), entries: entries)
    }

    private static func byteCount(of storage: PickleStorage) throws(CheckpointError) -> Int {
        let (bytes, overflow) = storage.rootCount.multipliedReportingOverflow(by: storage.type.byteCount)
        guard !overflow else { throw .malformed("the storage \(storage.key) claims \(storage.rootCount) values") }
        return bytes
    }

    private static func checkByteOrder(_ system: PickleValue, machine: PickleMachine) throws(CheckpointError) {
        guard case .dict(let place) = system else { throw .malformed("PyTorch's note on the system is missing") }
        for (key, value) in machine.dicts[place] {
            if case .string("little_endian") = key, case .bool(false) = value {
                throw .unsupported("its numbers are big-endian")
            }
        }
    }

    /// The storages follow the last pickle in the order of the keys, each after its number of elements.
    private static func legacyPlaces(
        of keys: PickleValue, machine: PickleMachine, file: MappedFile
    ) throws(CheckpointError) -> [String: Range<Int>] {
        guard case .list(let place) = keys else { throw .malformed("the list of storages is missing") }
        var known: [String: PickleStorage] = [:]
        for storage in machine.storages {
            if let other = known[storage.key], other.rootCount != storage.rootCount || other.type != storage.type {
                throw .malformed("the storage \(storage.key) is described in two ways")
            }
            known[storage.key] = storage
        }
        var places: [String: Range<Int>] = [:]
        var reader = ByteReader(file.bytes, at: machine.position, what: "the data of the tensors")
        for key in machine.lists[place] {
            guard case .string(let name) = key, let storage = known[name] else {
                throw .malformed("a storage is listed that no tensor uses")
            }
            let count = try reader.count64()
            guard count == storage.rootCount else {
                throw .malformed("the storage \(name) has \(count) values, \(storage.rootCount) expected")
            }
            let start = reader.position
            _ = try reader.take(try byteCount(of: storage))
            places[name] = start..<reader.position
        }
        return places
    }
}
