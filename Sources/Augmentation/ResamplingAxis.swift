import CKernels

/// Which pixels of an axis each pixel of a resampled picture is made of, and how much of each.
struct ResamplingAxis: Sendable {
    /// Pixels of the result.
    let count: Int
    /// Source pixels of each, those that are not needed with weight 0.
    let taps: Int
    /// `[count, taps]`.
    private(set) var places: [Int32]
    private(set) var weights: [Float]
    /// All source pixels that are used.
    private(set) var reach: Range<Int>

    private init(count: Int, taps: Int) {
        precondition(count > 0, "a picture has pixels")
        self.count = count
        self.taps = taps
        places = [Int32](repeating: 0, count: count * taps)
        weights = [Float](repeating: 0, count: count * taps)
        reach = 0..<1
    }

    private mutating func set(_ pixel: Int, tap: Int, place: Int, weight: Double) {
        places[pixel * taps + tap] = Int32(place)
        weights[pixel * taps + tap] = Float(weight)
    }

    private func findingReach() -> ResamplingAxis {
        var result = self
        var low = Int32.max, high = Int32.min
        for place in places {
            low = min(low, place)
            high = max(high, place)
        }
        result.reach = Int(low)..<Int(high) + 1
        return result
    }

    /// `count` pixels of `side` source pixels from `start`, each the mean of k bilinear samples spread evenly over its place, k being the source
    /// pixels that it covers, rounded up; beyond the axis of `limit` pixels its ends repeat. This is how a face is cut out in use, to the bit.
    static func crop(from start: Double, side: Double, count: Int, limit: Int) -> ResamplingAxis {
        let samples = max(1, Int((side / Double(count)).rounded(.up)))
        let step = side / Double(count * samples)
        var axis = ResamplingAxis(count: count, taps: Int(step * Double(samples)) + 3)
        var weights = [Double](repeating: 0, count: axis.taps)
        let end = Double(limit - 1)
        for pixel in 0..<count {
            func place(_ sample: Int) -> Double {
                min(max(start + (Double(pixel * samples + sample) + 0.5) * step - 0.5, 0), end)
            }
            let first = Int(place(0))
            for tap in weights.indices { weights[tap] = 0 }
            for sample in 0..<samples {
                let place = place(sample), left = Int(place), fraction = place - Double(left)
                weights[left - first] += (1 - fraction) / Double(samples)
                weights[min(left + 1, limit - 1) - first] += fraction / Double(samples)
            }
            for tap in weights.indices { axis.set(pixel, tap: tap, place: min(first + tap, limit - 1), weight: weights[tap]) }
        }
        return axis.findingReach()
    }

    /// `count` pixels as they are from `start`, which may lie outside; beyond the axis its ends repeat.
    static func pixels(from start: Int, count: Int, limit: Int) -> ResamplingAxis {
        var axis = ResamplingAxis(count: count, taps: 1)
        for pixel in 0..<count { axis.set(pixel, tap: 0, place: min(max(start + pixel, 0), limit - 1), weight: 1) }
        return axis.findingReach()
    }

    /// A whole axis of `length` pixels at another count, as OpenCV's `resize` does.
    static func resized(from length: Int, to count: Int, by scaling: PictureScaling) -> ResamplingAxis {
        let ratio = Double(length) / Double(count)
        switch scaling {
        case .area where ratio > 1: return area(length, count, ratio)
        case .area, .linear: return linear(length, count, ratio)
        case .cubic: return cubic(length, count, ratio)
        case .nearest:
            var axis = ResamplingAxis(count: count, taps: 1)
            for pixel in 0..<count { axis.set(pixel, tap: 0, place: pixel * length / count, weight: 1) }
            return axis.findingReach()
        }
    }

    private static func linear(_ length: Int, _ count: Int, _ ratio: Double) -> ResamplingAxis {
        var axis = ResamplingAxis(count: count, taps: 2)
        for pixel in 0..<count {
            let place = min(max((Double(pixel) + 0.5) * ratio - 0.5, 0), Double(length - 1))
            let left = Int(place), fraction = place - Double(left)
            axis.set(pixel, tap: 0, place: left, weight: 1 - fraction)
            axis.set(pixel, tap: 1, place: min(left + 1, length - 1), weight: fraction)
        }
        return axis.findingReach()
    }

    /// Keys' cubic convolution (1981) with a = −¾.
    private static func cubic(_ length: Int, _ count: Int, _ ratio: Double) -> ResamplingAxis {
        var axis = ResamplingAxis(count: count, taps: 4)
        let a = -0.75
        for pixel in 0..<count {
            let place = (Double(pixel) + 0.5) * ratio - 0.5
            let left = Int(place.rounded(.down)), x = place - Double(left)
            func far(_ d: Double) -> Double { ((a * d - 5 * a) * d + 8 * a) * d - 4 * a }
            func near(_ d: Double) -> Double { ((a + 2) * d - (a + 3)) * d * d + 1 }
            let weights = [far(1 + x), near(x), near(1 - x), far(2 - x)]
            for tap in 0..<4 { axis.set(pixel, tap: tap, place: min(max(left - 1 + tap, 0), length - 1), weight: weights[tap]) }
        }
        return axis.findingReach()
    }

    private static func area(_ length: Int, _ count: Int, _ ratio: Double) -> ResamplingAxis {
        var axis = ResamplingAxis(count: count, taps: Int(ratio.rounded(.up)) + 1)
        for pixel in 0..<count {
            let start = Double(pixel) * ratio, end = min(start + ratio, Double(length))
            let first = min(Int(start), length - 1)
            for tap in 0..<axis.taps {
                let place = first + tap
                let covered = max(0, min(end, Double(place + 1)) - max(start, Double(place)))
                axis.set(pixel, tap: tap, place: min(place, length - 1), weight: place < length ? covered / (end - start) : 0)
            }
        }
        return axis.findingReach()
    }

    /// The same pixels in reverse.
    func reversed() -> ResamplingAxis {
        var axis = self
        for pixel in 0..<count {
            for tap in 0..<taps {
                axis.places[pixel * taps + tap] = places[(count - 1 - pixel) * taps + tap]
                axis.weights[pixel * taps + tap] = weights[(count - 1 - pixel) * taps + tap]
            }
        }
        return axis
    }

    func withKernelAxis<Value>(_ body: (augment_axis) -> Value) -> Value {
        places.withUnsafeBufferPointer { places in
            weights.withUnsafeBufferPointer { weights in
                body(augment_axis(count: count, taps: taps, places: places.baseAddress, weights: weights.baseAddress))
            }
        }
    }
}

/// How a picture is brought to another size.
package enum PictureScaling: Int, Sendable, CaseIterable {
    /// Means of what each pixel covers; linear where the picture grows.
    case area
    case linear
    case cubic
    case nearest
}
