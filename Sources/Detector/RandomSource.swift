import Foundation

/// SplitMix64 (Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators") and normal numbers from it.
struct RandomSource {
    private var state: UInt64
    private var spare: Double?

    init(seed: UInt64) {
        state = seed
    }

    /// A stream of its own for each tensor, so that one tensor's length never moves another's values.
    init(seed: UInt64, stream: String) {
        // FNV-1a: any stable hash of the name does; Swift's own is salted for each process.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in stream.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        var mixer = RandomSource(seed: seed)
        self.init(seed: mixer.next() ^ hash)
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    /// In (0, 1], with 53 bits.
    mutating func uniform() -> Double {
        Double((next() >> 11) + 1) * 0x1p-53
    }

    /// Mean 0, variance 1 (Box and Muller 1958).
    mutating func normal() -> Double {
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
