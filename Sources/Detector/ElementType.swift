import Foundation
import NeuralCore

/// A number format that checkpoints store; only the floating ones become tensors.
enum ElementType: Sendable, Equatable {
    case float32, float16, bfloat16, float64
    /// Integers and booleans, of which only the size matters.
    case other(bytes: Int)

    var byteCount: Int {
        switch self {
        case .float32: 4
        case .float16, .bfloat16: 2
        case .float64: 8
        case .other(let bytes): bytes
        }
    }

    var isFloat: Bool {
        if case .other = self { return false }
        return true
    }

    /// The little-endian number that starts `offset` bytes into `bytes`, which the caller has checked to be inside.
    func value(in bytes: UnsafeRawBufferPointer, at offset: Int) -> Float {
        switch self {
        case .float32: Float(bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
        case .float16: ElementType.fromHalf(UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self)))
        case .bfloat16:
            Float(bitPattern: UInt32(UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self))) << 16)
        case .float64:
            Float(Double(bitPattern: UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))))
        case .other: .nan
        }
    }

    /// IEEE 754 binary16, widened without loss. Swift has no Float16 on x86.
    static func fromHalf(_ bits: UInt16) -> Float {
        let sign = UInt32(bits >> 15) << 31
        let exponent = UInt32(bits >> 10) & 0x1f
        let fraction = UInt32(bits) & 0x3ff
        switch exponent {
        case 0:
            let magnitude = Float(fraction) * 0x1p-24
            return sign == 0 ? magnitude : -magnitude
        case 0x1f: return Float(bitPattern: sign | 0x7f80_0000 | fraction << 13)
        default: return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
        }
    }

    /// The nearest binary16, ties to even; an infinity beyond ±65504 (from 65520 on), as the standard rounds.
    static func toHalf(_ value: Float) -> UInt16 {
        let sign = UInt16(value.bitPattern >> 16) & 0x8000
        guard !value.isNaN else { return sign | 0x7e00 }
        let magnitude = value.magnitude
        if magnitude >= 65_520 { return sign | 0x7c00 }
        // Subnormal halves are multiples of 2⁻²⁴; a carry into the next binade gives the right bits by itself.
        if magnitude < 0x1p-14 { return sign | UInt16((magnitude * 0x1p24).rounded(.toNearestOrEven)) }
        let bits = magnitude.bitPattern
        let kept = bits >> 13
        let rest = bits & 0x1fff
        let roundsUp = rest > 0x1000 || rest == 0x1000 && kept & 1 == 1
        return sign | UInt16(kept + (roundsUp ? 1 : 0) - UInt32(112 << 10))
    }

    /// Reads `shape` values lying `strides` (in elements) apart from `firstElement` on.
    ///
    /// The caller has checked that every one of them lies inside `bytes`.
    func tensor(shape: [Int], strides: [Int], firstElement: Int, in bytes: UnsafeRawBufferPointer) -> Tensor {
        Tensor(shape: shape) { destination in
            guard !destination.isEmpty else { return }
            let isContiguous = strides == ElementType.rowMajorStrides(of: shape)
            if isContiguous, self == .float32, let target = destination.baseAddress, let source = bytes.baseAddress {
                memcpy(target, source + firstElement * 4, destination.count * 4)
                return
            }
            var position = [Int](repeating: 0, count: shape.count)
            var element = firstElement
            for index in destination.indices {
                destination[index] = value(in: bytes, at: element * byteCount)
                var axis = shape.count - 1
                while axis >= 0 {
                    position[axis] += 1
                    element += strides[axis]
                    if position[axis] < shape[axis] { break }
                    element -= strides[axis] * shape[axis]
                    position[axis] = 0
                    axis -= 1
                }
            }
        }
    }

    /// Distances in elements of a contiguous array whose last axis varies fastest.
    static func rowMajorStrides(of shape: [Int]) -> [Int] {
        var strides = [Int](repeating: 1, count: shape.count)
        // Nothing is there to stride over, and the other sides may be as large as they like.
        guard !shape.contains(0) else { return strides }
        for axis in shape.indices.dropLast().reversed() { strides[axis] = strides[axis + 1] * max(shape[axis + 1], 1) }
        return strides
    }
}
