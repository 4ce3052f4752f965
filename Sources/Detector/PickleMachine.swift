import NeuralCore

/// Reads a pickle (Python's pickletools, protocols 0–5) without running anything: a stack machine that knows numbers,
/// texts, containers and the few names in `PickleGlobal`.
struct PickleMachine {
    /// A pickle beyond this is no state dict: the tensors' bytes are not in it.
    static let maximumBytes = 16 << 20

    /// A list of pairs can be copied into dictionaries again and again by a few bytes each; this bounds it.
    private static let maximumCopiedPairs = 1 << 20
    /// PyTorch allows more, a network of this program has four.
    private static let maximumAxes = 8

    var lists: [[PickleValue]] = []
    var dicts: [[(key: PickleValue, value: PickleValue)]] = []
    var storages: [PickleStorage] = []
    var tensors: [PickleTensor] = []

    private var reader: ByteReader
    private var stack: [PickleValue] = []
    private var marks: [Int] = []
    private var memo: [Int: PickleValue] = [:]
    private var copiedPairs = 0

    init(bytes: UnsafeRawBufferPointer, at position: Int = 0) {
        let end = min(bytes.count, position + PickleMachine.maximumBytes)
        reader = ByteReader(UnsafeRawBufferPointer(rebasing: bytes[..<end]), at: position, what: "the pickle")
    }

    /// Where the next pickle starts once one was read.
    var position: Int { reader.position }

    /// Reads one pickle and returns its value; the arenas keep growing, so several can follow each other.
    mutating func run() throws(CheckpointError) -> PickleValue {
        stack.removeAll()
        marks.removeAll()
        memo.removeAll()
        while true {
            let opcode = try reader.integer(UInt8.self)
            if opcode == UInt8(ascii: ".") { return try pop() }
            if try runConstant(opcode) { continue }
            if try runContainer(opcode) { continue }
            if try runReference(opcode) { continue }
            throw .unsupported("its pickle holds the instruction 0x\(String(opcode, radix: 16)), which makes no tensor")
        }
    }

    private mutating func runConstant(_ opcode: UInt8) throws(CheckpointError) -> Bool {
        switch opcode {
        case UInt8(ascii: "N"): stack.append(.none)
        case 0x88: stack.append(.bool(true))
        case 0x89: stack.append(.bool(false))
        case UInt8(ascii: "J"): stack.append(.int(Int(try reader.integer(Int32.self))))
        case UInt8(ascii: "K"): stack.append(.int(Int(try reader.integer(UInt8.self))))
        case UInt8(ascii: "M"): stack.append(.int(Int(try reader.integer(UInt16.self))))
        case UInt8(ascii: "I"): stack.append(try decimalInteger(try reader.line()))
        case UInt8(ascii: "L"): stack.append(try decimalInteger(withoutSuffix(try reader.line())))
        case 0x8a: stack.append(longInteger(try reader.take(Int(try reader.integer(UInt8.self)))))
        case 0x8b: stack.append(longInteger(try reader.take(Int(try reader.integer(Int32.self)))))
        case UInt8(ascii: "F"):
            guard let number = Double(try reader.line()) else { throw damaged("a number is none") }
            stack.append(.float(number))
        case UInt8(ascii: "G"):
            let bits = UInt64(bigEndian: try reader.take(8).loadUnaligned(as: UInt64.self))
            stack.append(.float(Double(bitPattern: bits)))
        case UInt8(ascii: "X"): stack.append(.string(try reader.text(Int(try reader.integer(UInt32.self)))))
        case 0x8c: stack.append(.string(try reader.text(Int(try reader.integer(UInt8.self)))))
        case 0x8d: stack.append(.string(try reader.text(try reader.count64())))
        case UInt8(ascii: "V"): stack.append(.string(try reader.line()))
        // Byte strings of Python 2 name tensors too; other bytes are of no interest.
        case UInt8(ascii: "U"): stack.append(.string(try reader.text(Int(try reader.integer(UInt8.self)))))
        case UInt8(ascii: "T"): stack.append(.string(try reader.text(Int(try reader.integer(Int32.self)))))
        case UInt8(ascii: "C"): try skipBytes(Int(try reader.integer(UInt8.self)))
        case UInt8(ascii: "B"): try skipBytes(Int(try reader.integer(UInt32.self)))
        case 0x8e: try skipBytes(try reader.count64())
        default: return false
        }
        return true
    }

    private mutating func runContainer(_ opcode: UInt8) throws(CheckpointError) -> Bool {
        switch opcode {
        case UInt8(ascii: "("): marks.append(stack.count)
        case UInt8(ascii: ")"): stack.append(.tuple(newList([])))
        case UInt8(ascii: "t"): stack.append(.tuple(newList(try popToMark())))
        case 0x85, 0x86, 0x87:
            var items: [PickleValue] = []
            for _ in 0..<Int(opcode - 0x84) { items.append(try pop()) }
            stack.append(.tuple(newList(items.reversed())))
        case UInt8(ascii: "]"), 0x8f: stack.append(.list(newList([])))
        case UInt8(ascii: "l"), 0x91: stack.append(.list(newList(try popToMark())))
        case UInt8(ascii: "a"): try appendToList([try pop()])
        case UInt8(ascii: "e"), 0x90: try appendToList(try popToMark())
        case UInt8(ascii: "}"): stack.append(.dict(newDict()))
        case UInt8(ascii: "d"):
            let items = try popToMark()
            stack.append(.dict(newDict()))
            try setItems(items)
        case UInt8(ascii: "s"):
            let value = try pop()
            try setItems([try pop(), value])
        case UInt8(ascii: "u"): try setItems(try popToMark())
        case UInt8(ascii: "0"): _ = try pop()
        case UInt8(ascii: "1"): _ = try popToMark()
        case UInt8(ascii: "2"): stack.append(try top())
        default: return false
        }
        return true
    }

    private mutating func runReference(_ opcode: UInt8) throws(CheckpointError) -> Bool {
        switch opcode {
        case 0x80:
            let version = try reader.integer(UInt8.self)
            guard version <= 5 else { throw .unsupported("its pickle is of protocol \(version)") }
        case 0x95: _ = try reader.count64()
        case UInt8(ascii: "q"): memo[Int(try reader.integer(UInt8.self))] = try top()
        case UInt8(ascii: "r"): memo[Int(try reader.integer(UInt32.self))] = try top()
        case UInt8(ascii: "p"): memo[try textIndex()] = try top()
        case 0x94: memo[memo.count] = try top()
        case UInt8(ascii: "h"): stack.append(try recall(Int(try reader.integer(UInt8.self))))
        case UInt8(ascii: "j"): stack.append(try recall(Int(try reader.integer(UInt32.self))))
        case UInt8(ascii: "g"): stack.append(try recall(try textIndex()))
        case UInt8(ascii: "c"):
            let module = try reader.line()
            stack.append(.global(try PickleGlobal(module: module, name: try reader.line())))
        case 0x93:
            guard case .string(let name) = try pop(), case .string(let module) = try pop() else {
                throw damaged("a global's name is no text")
            }
            stack.append(.global(try PickleGlobal(module: module, name: name)))
        // The old way to make an object: it names a class and calls it. Nothing that we accept is made so.
        case UInt8(ascii: "i"):
            let module = try reader.line()
            throw .refusedGlobal("\(try PickleGlobal(module: module, name: try reader.line()))")
        case UInt8(ascii: "R"): try reduce()
        case UInt8(ascii: "b"):
            // Attributes: PyTorch gives a state dict its version numbers, which do not change the tensors.
            _ = try pop()
            guard case .dict = try top() else { throw damaged("attributes for something other than a dictionary") }
        case UInt8(ascii: "Q"): try resolveStorage(try pop())
        default: return false
        }
        return true
    }

    private mutating func reduce() throws(CheckpointError) {
        guard case .tuple(let place) = try pop() else { throw damaged("a call without a tuple of arguments") }
        guard case .global(let global) = try pop() else { throw damaged("a call of something other than a global") }
        let arguments = lists[place]
        switch global {
        case .orderedDict:
            stack.append(.dict(newDict()))
            if case .list(let pairs)? = arguments.first {
                copiedPairs += lists[pairs].count
                guard copiedPairs <= PickleMachine.maximumCopiedPairs else { throw damaged("too many pairs") }
                for pair in lists[pairs] {
                    guard case .list(let place) = pair, lists[place].count == 2 else { throw damaged("a pair is none") }
                    try setItems(lists[place])
                }
            }
        case .set, .size: stack.append(arguments.first ?? .none)
        case .device: stack.append(.opaque)
        case .rebuildTensor, .rebuildTensorV2: try rebuildTensor(arguments)
        case .rebuildParameter:
            guard case .tensor? = arguments.first else { throw damaged("a parameter without a tensor") }
            stack.append(arguments[0])
        case .dtype, .storageType: throw damaged("a call of \(global)")
        }
    }

    private mutating func resolveStorage(_ identifier: PickleValue) throws(CheckpointError) {
        guard case .tuple(let place) = identifier, case let parts = lists[place], parts.count >= 5,
            case .string("storage") = parts[0], case .global(.storageType(let type)) = parts[1],
            case .string(let key) = parts[2], case .int(let count) = parts[4], count >= 0
        else { throw damaged("a storage is described in an unknown way") }
        var offset = 0
        var visible = count
        // Before 1.6 a storage could be a window on another: (key, offset, size).
        if parts.count > 5, case .tuple(let window) = parts[5] {
            guard lists[window].count == 3, case .int(let start) = lists[window][1],
                case .int(let size) = lists[window][2], start >= 0, size >= 0, start <= count, size <= count - start
            else { throw damaged("a storage's window lies outside it") }
            (offset, visible) = (start, size)
        }
        storages.append(PickleStorage(key: key, type: type, rootCount: count, offset: offset, count: visible))
        stack.append(.storage(storages.count - 1))
    }

    private mutating func rebuildTensor(_ arguments: [PickleValue]) throws(CheckpointError) {
        guard arguments.count >= 4, case .storage(let storageIndex) = arguments[0], case .int(let offset) = arguments[1],
            let shape = integers(arguments[2]), let strides = integers(arguments[3]), shape.count == strides.count
        else { throw damaged("a tensor is described in an unknown way") }
        let storage = storages[storageIndex]
        guard let count = checkedCount(shape: shape, strides: strides, offset: offset, within: storage.count) else {
            throw .malformed("a tensor of shape \(shape) and strides \(strides) does not fit its \(storage.count) values")
        }
        guard count <= storage.count else {
            throw .unsupported("a tensor of shape \(shape) repeats its \(storage.count) values; save it contiguous")
        }
        tensors.append(PickleTensor(storage: storage, offset: offset, shape: shape, strides: strides))
        stack.append(.tensor(tensors.count - 1))
    }
}

extension PickleMachine {
    /// Number of elements, or nil if one of them lies outside `limit` elements.
    private func checkedCount(shape: [Int], strides: [Int], offset: Int, within limit: Int) -> Int? {
        guard offset >= 0, let count = Tensor.elementCount(of: shape) else { return nil }
        if count == 0 { return 0 }
        var last = offset
        for (extent, stride) in zip(shape, strides) {
            guard stride >= 0 else { return nil }
            let (reach, overflow) = (extent - 1).multipliedReportingOverflow(by: stride)
            let (sum, sumOverflow) = last.addingReportingOverflow(reach)
            guard !overflow, !sumOverflow else { return nil }
            last = sum
        }
        return last < limit ? count : nil
    }

    private func integers(_ value: PickleValue) -> [Int]? {
        guard case .tuple(let place) = value, lists[place].count <= PickleMachine.maximumAxes else { return nil }
        var numbers: [Int] = []
        for item in lists[place] {
            guard case .int(let number) = item else { return nil }
            numbers.append(number)
        }
        return numbers
    }

    private mutating func newList(_ items: [PickleValue]) -> Int {
        lists.append(items)
        return lists.count - 1
    }

    private mutating func newDict() -> Int {
        dicts.append([])
        return dicts.count - 1
    }

    private mutating func appendToList(_ items: [PickleValue]) throws(CheckpointError) {
        guard case .list(let place) = try top() else { throw damaged("an item for something other than a list") }
        lists[place] += items
    }

    private mutating func setItems(_ items: [PickleValue]) throws(CheckpointError) {
        guard case .dict(let place) = try top(), items.count % 2 == 0 else {
            throw damaged("a key for something other than a dictionary")
        }
        for index in stride(from: 0, to: items.count, by: 2) { dicts[place].append((items[index], items[index + 1])) }
    }

    private func recall(_ index: Int) throws(CheckpointError) -> PickleValue {
        guard let value = memo[index] else { throw damaged("a reference to nothing") }
        return value
    }

    private mutating func textIndex() throws(CheckpointError) -> Int {
        guard let index = Int(try reader.line()) else { throw damaged("a reference is no number") }
        return index
    }

    /// Python 2 wrote long integers with an L at the end.
    private func withoutSuffix(_ text: String) -> String {
        text.hasSuffix("L") ? String(text.dropLast()) : text
    }

    private func decimalInteger(_ text: String) throws(CheckpointError) -> PickleValue {
        if text == "00" { return .bool(false) }
        if text == "01" { return .bool(true) }
        guard let number = Int(text) else { throw damaged("a number is none") }
        return .int(number)
    }

    private func longInteger(_ bytes: UnsafeRawBufferPointer) -> PickleValue {
        guard bytes.count <= 8 else { return .bigInt(Array(bytes)) }
        var value: UInt64 = 0
        for (index, byte) in bytes.enumerated() { value |= UInt64(byte) << (8 * index) }
        let shift = 64 - 8 * bytes.count
        return .int(shift == 64 ? 0 : Int(Int64(bitPattern: value << shift) >> shift))
    }

    private mutating func skipBytes(_ count: Int) throws(CheckpointError) {
        _ = try reader.take(count)
        stack.append(.opaque)
    }

    private func top() throws(CheckpointError) -> PickleValue {
        guard let value = stack.last, stack.count > (marks.last ?? 0) else { throw damaged("the stack is empty") }
        return value
    }

    private mutating func pop() throws(CheckpointError) -> PickleValue {
        let value = try top()
        stack.removeLast()
        return value
    }

    private mutating func popToMark() throws(CheckpointError) -> [PickleValue] {
        guard let mark = marks.popLast() else { throw damaged("a mark is missing") }
        let items = Array(stack[mark...])
        stack.removeSubrange(mark...)
        return items
    }

    private func damaged(_ what: String) -> CheckpointError {
        .malformed("its pickle, byte \(reader.position): \(what)")
    }
}
