/// What a pickle's stack holds. Containers are places in the machine's arena, so that hostile nesting or cycles cost
/// neither stack nor leaks.
enum PickleValue {
    case none
    case bool(Bool)
    case int(Int)
    /// An integer beyond 64 bits, little-endian two's complement.
    case bigInt([UInt8])
    case float(Double)
    case string(String)
    /// Something harmless that is not looked at, such as bytes or a device.
    case opaque
    case list(Int)
    case tuple(Int)
    case dict(Int)
    case global(PickleGlobal)
    case storage(Int)
    case tensor(Int)
}

/// Everything a pickle may name. Nothing of it is Python: each case is rebuilt here.
enum PickleGlobal: Equatable {
    case orderedDict
    case set
    case size
    case rebuildTensor
    case rebuildTensorV2
    case rebuildParameter
    case device
    case dtype
    case storageType(ElementType)

    private static let known: [String: PickleGlobal] = {
        var known: [String: PickleGlobal] = [
            "collections.OrderedDict": .orderedDict, "builtins.set": .set, "__builtin__.set": .set,
            "torch.Size": .size, "torch._utils._rebuild_tensor": .rebuildTensor,
            "torch._utils._rebuild_tensor_v2": .rebuildTensorV2,
            "torch._utils._rebuild_parameter": .rebuildParameter, "torch.device": .device,
        ]
        let storages: [(String, ElementType)] = [
            ("Float", .float32), ("Half", .float16), ("BFloat16", .bfloat16), ("Double", .float64),
            ("Long", .other(bytes: 8)), ("Int", .other(bytes: 4)), ("Short", .other(bytes: 2)),
            ("Char", .other(bytes: 1)), ("Byte", .other(bytes: 1)), ("Bool", .other(bytes: 1)),
        ]
        for (name, type) in storages {
            known["torch.\(name)Storage"] = .storageType(type)
            known["torch.cuda.\(name)Storage"] = .storageType(type)
        }
        for name in ["float32", "float16", "bfloat16", "float64", "int64", "int32", "uint8", "bool"] {
            known["torch.\(name)"] = .dtype
        }
        return known
    }()

    /// The global of that name, or the refusal that names it.
    init(module: String, name: String) throws(CheckpointError) {
        let fullName = "\(module).\(name)"
        guard let global = PickleGlobal.known[fullName] else { throw .refusedGlobal(PickleGlobal.printable(fullName)) }
        self = global
    }

    /// A hostile name must not reach a terminal with its control characters, nor fill the log.
    private static func printable(_ name: String) -> String {
        let scalars = name.unicodeScalars.prefix(120).map { $0.value < 0x20 || $0.value == 0x7f ? "?" : $0 }
        return String(String.UnicodeScalarView(scalars))
    }
}

/// A storage that a tensor lies in: `count` elements from `offset` on of the root storage `key`.
struct PickleStorage {
    let key: String
    let type: ElementType
    let rootCount: Int
    let offset: Int
    let count: Int
}

/// A tensor as the pickle describes it: checked to lie inside its storage.
struct PickleTensor {
    let storage: PickleStorage
    let offset: Int
    let shape: [Int]
    let strides: [Int]
}
