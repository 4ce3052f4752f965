/// Reads the little JSON that a safetensors header is made of: objects, strings and lists of natural numbers.
struct StrictJSONScanner {
    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    init(bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    /// Consumes one character, after white space.
    mutating func expect(_ character: Unicode.Scalar) throws(CheckpointError) {
        skipSpace()
        guard position < bytes.count, bytes[position] == UInt8(ascii: character) else {
            throw damaged("\"\(character)\" expected")
        }
        position += 1
    }

    /// True if another member of the object follows; consumes the comma before it or the brace that ends the object.
    mutating func nextMember(isFirst: inout Bool) throws(CheckpointError) -> Bool {
        skipSpace()
        if position < bytes.count, bytes[position] == UInt8(ascii: "}") {
            position += 1
            return false
        }
        if !isFirst { try expect(",") }
        isFirst = false
        return true
    }

    /// Nothing but white space follows.
    mutating func expectEnd() throws(CheckpointError) {
        skipSpace()
        guard position == bytes.count else { throw damaged("the end expected") }
    }

    mutating func integers() throws(CheckpointError) -> [Int] {
        try expect("[")
        var numbers: [Int] = []
        skipSpace()
        if position < bytes.count, bytes[position] == UInt8(ascii: "]") {
            position += 1
            return numbers
        }
        while true {
            numbers.append(try natural())
            skipSpace()
            guard position < bytes.count, bytes[position] == UInt8(ascii: ",") else { break }
            position += 1
        }
        try expect("]")
        return numbers
    }

    mutating func string() throws(CheckpointError) -> String {
        try expect("\"")
        var text: [UInt8] = []
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: text, as: UTF8.self) else { throw damaged("invalid UTF-8") }
                return string
            case UInt8(ascii: "\\"): text += Array(String(try escape()).utf8)
            case 0..<0x20: throw damaged("a control character in a string")
            default: text.append(byte)
            }
        }
        throw damaged("a string does not end")
    }

    private mutating func natural() throws(CheckpointError) -> Int {
        skipSpace()
        let start = position
        var number = 0
        while position < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[position]) {
            let (scaled, scaleOverflow) = number.multipliedReportingOverflow(by: 10)
            let (sum, sumOverflow) = scaled.addingReportingOverflow(Int(bytes[position] - UInt8(ascii: "0")))
            guard !scaleOverflow, !sumOverflow else { throw damaged("a number is too large") }
            number = sum
            position += 1
        }
        guard position > start else { throw damaged("a natural number expected") }
        return number
    }

    private mutating func escape() throws(CheckpointError) -> Unicode.Scalar {
        guard position < bytes.count else { throw damaged("a string does not end") }
        let byte = bytes[position]
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{c}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            let first = try hexadecimal()
            if let scalar = Unicode.Scalar(first) { return scalar }
            return try lowSurrogate(after: first)
        default: throw damaged("an unknown escape in a string")
        }
    }

    /// Characters beyond the first 65536 are written as two escapes (RFC 8259, section 7).
    private mutating func lowSurrogate(after high: UInt32) throws(CheckpointError) -> Unicode.Scalar {
        guard position + 2 <= bytes.count, bytes[position] == UInt8(ascii: "\\"), bytes[position + 1] == UInt8(ascii: "u")
        else { throw damaged("half a surrogate pair in a string") }
        position += 2
        let low = try hexadecimal()
        guard (0xd800..<0xdc00).contains(high), (0xdc00..<0xe000).contains(low),
            let scalar = Unicode.Scalar(0x10000 + (high - 0xd800) << 10 + (low - 0xdc00))
        else { throw damaged("half a surrogate pair in a string") }
        return scalar
    }

    private mutating func hexadecimal() throws(CheckpointError) -> UInt32 {
        guard position + 4 <= bytes.count else { throw damaged("a string does not end") }
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue else {
                throw damaged("an escape is not hexadecimal")
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }

    private mutating func skipSpace() {
        while position < bytes.count, [0x20, 0x09, 0x0a, 0x0d].contains(bytes[position]) { position += 1 }
    }

    private func damaged(_ what: String) -> CheckpointError {
        .malformed("header of the safetensors file, byte \(position): \(what)")
    }
}
