import Foundation

/// SplitMix64 (Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators") and what is drawn from it: the same numbers from
/// one seed on every machine.
public struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64
    private var spare: Double?

    public init(seed: UInt64) {
        state = seed
    }

    /// A stream of its own for each name (a tensor, a step's picture), so that how much one draws never moves another's values.
    public init(seed: UInt64, stream: String) {
        // FNV-1a: any stable hash of the name does; Swift's own is salted for each process.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in stream.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        var mixer = SeededRandom(seed: seed)
        self.init(seed: mixer.next() ^ hash)
    }

    public mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    /// In (0, 1], with 53 bits.
    public mutating func uniform() -> Double {
        Double((next() >> 11) + 1) * 0x1p-53
    }

    /// Within the range, uniformly.
    public mutating func uniform(_ range: ClosedRange<Double>) -> Double {
        range.lowerBound + (range.upperBound - range.lowerBound) * uniform()
    }

    /// An integer in 0..<count, uniformly: the upper half of a 128-bit product, off by less than count · 2⁻⁶⁴.
    public mutating func index(below count: Int) -> Int {
        precondition(count > 0, "an index below \(count)")
        return Int(next().multipliedFullWidth(by: UInt64(count)).high)
    }

    /// True with the given probability.
    public mutating func chance(_ probability: Double) -> Bool {
        uniform() <= probability
    }

    /// Mean 0, variance 1 (Box and Muller 1958).
    public mutating func normal() -> Double {
        if let value = spare {
            spare = nil
            return value
        }
        let radius = (-2 * log(uniform())).squareRoot()
        let angle = 2 * Double.pi * uniform()
        spare = radius * sin(angle)
        return radius * cos(angle)
    }
}
