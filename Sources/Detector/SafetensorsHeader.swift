/// The JSON at the start of a safetensors file, read strictly: no duplicate, no unknown form, no nonsense number.
///
/// Format: https://github.com/huggingface/safetensors, "Format". A reader of its own because a general one drops
/// duplicate names silently.
struct SafetensorsHeader {
    struct Entry: Equatable {
        var type = ""
        var shape: [Int] = []
        /// Bytes `[begin, end)` after the header.
        var begin = 0
        var end = 0
    }

    private(set) var metadata: [String: String] = [:]
    private(set) var entries: [String: Entry] = [:]

    init(parsing json: UnsafeRawBufferPointer) throws(CheckpointError) {
        var scanner = StrictJSONScanner(bytes: json)
        try scanner.expect("{")
        var isFirst = true
        while try scanner.nextMember(isFirst: &isFirst) {
            let name = try scanner.string()
            try scanner.expect(":")
            if name == "__metadata__" {
                guard metadata.isEmpty else { throw .malformed("the header holds __metadata__ twice") }
                metadata = try SafetensorsHeader.readMetadata(&scanner)
            } else {
                let entry = try SafetensorsHeader.readEntry(&scanner, name: name)
                guard entries.updateValue(entry, forKey: name) == nil else {
                    throw .malformed("the header names the tensor \(name) twice")
                }
            }
        }
        try scanner.expectEnd()
    }

    private static func readMetadata(_ scanner: inout StrictJSONScanner) throws(CheckpointError) -> [String: String] {
        var metadata: [String: String] = [:]
        try scanner.expect("{")
        var isFirst = true
        while try scanner.nextMember(isFirst: &isFirst) {
            let key = try scanner.string()
            try scanner.expect(":")
            guard metadata.updateValue(try scanner.string(), forKey: key) == nil else {
                throw .malformed("the metadata holds \(key) twice")
            }
        }
        return metadata
    }

    private static func readEntry(
        _ scanner: inout StrictJSONScanner, name: String
    ) throws(CheckpointError) -> Entry {
        var entry = Entry()
        var seen: Set<String> = []
        try scanner.expect("{")
        var isFirst = true
        while try scanner.nextMember(isFirst: &isFirst) {
            let key = try scanner.string()
            try scanner.expect(":")
            guard seen.insert(key).inserted else { throw .malformed("\(name) holds \(key) twice") }
            switch key {
            case "dtype": entry.type = try scanner.string()
            case "shape": entry.shape = try scanner.integers()
            case "data_offsets":
                let offsets = try scanner.integers()
                guard offsets.count == 2 else { throw .malformed("\(name) has \(offsets.count) data offsets, not 2") }
                (entry.begin, entry.end) = (offsets[0], offsets[1])
            default: throw .malformed("\(name) holds \(key), which the format does not know")
            }
        }
        guard seen.count == 3 else { throw .malformed("\(name) lacks one of dtype, shape and data_offsets") }
        return entry
    }
}
