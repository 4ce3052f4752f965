import CKernels
import Foundation

extension FloatPicture {
    /// Convolved with a Gaussian cut off at `radius` pixels, beyond the edge mirrored without its last pixel (OpenCV's reflect101).
    package func blurred(sigma: Double, radius: Int) -> FloatPicture {
        precondition(sigma > 0 && radius >= 0, "a blur has a width")
        let bell = (0...radius).map { exp(-Double($0 * $0) / (2 * sigma * sigma)) }
        let sum = bell[0] + 2 * bell.dropFirst().reduce(0, +)
        // Rounded to float: the last digit of an exponential, which libraries differ in, is gone.
        let weights = bell.map { Float($0 / sum) }
        return FloatPicture(width: width, height: height, channels: channels) { target in
            var line = [Float](repeating: 0, count: (width + 2 * radius) * channels + 16)
            var taps = [UnsafePointer<Float>?](repeating: nil, count: 2 * radius + 1)
            augment_blur(storage, width, height, channels, weights, radius, &line, &taps, target)
        }
    }

    /// Convolved with a Gaussian out to about four standard deviations, as OpenCV's `GaussianBlur` of floats.
    package func blurred(sigma: Double) -> FloatPicture {
        blurred(sigma: sigma, radius: Self.radius(sigma: sigma))
    }

    static func radius(sigma: Double) -> Int { (Int((sigma * 8 + 1).rounded(.toNearestOrEven)) | 1) / 2 }

    /// Convolved with a Gaussian of `kernel` pixels, an odd number, whose width follows from it as OpenCV's does where none is given.
    package func blurred(kernel: Int) -> FloatPicture {
        blurred(sigma: 0.3 * (Double(kernel - 1) * 0.5 - 1) + 0.8, radius: kernel / 2)
    }

    /// What differs from the picture blurred by `sigma`, `amount` times more of it (unsharp masking).
    package mutating func sharpen(amount: Double, sigma: Double) {
        let smooth = blurred(sigma: sigma)
        augment_sharpen(&storage, smooth.storage, count, Float(amount))
    }

    /// Each channel times `gain` plus `offset`, kept within 0…255.
    package mutating func adjust(gain: SIMD3<Float>, offset: SIMD3<Float>) {
        augment_gain(&storage, width * height, [gain.x, gain.y, gain.z], [offset.x, offset.y, offset.z])
    }

    /// Hue, saturation and value shifted by degrees and by parts of 255; the picture must be within 0…255. Grey has no hue to be shifted.
    package mutating func shiftHSV(hueDegrees: Double, saturation: Double, value: Double) {
        precondition(channels == 3 && abs(hueDegrees) <= 180, "a hue is within half a circle")
        augment_shift_hsv(&storage, width * height, Float(hueDegrees / 60), Float(saturation / 255), Float(value))
    }

    /// A mask with its pixels moved: each becomes what lies (dx, dy) beside it, 0 beyond the edge.
    package func displaced(dx: FloatPicture, dy: FloatPicture) -> FloatPicture {
        precondition(channels == 1 && dx.count == count && dy.count == count, "a displacement for each pixel of a mask")
        return FloatPicture(width: width, height: height, channels: 1) { target in
            augment_displace(storage, width, height, dx.storage, dy.storage, target)
        }
    }

    /// All values times `factor`; those that stay below `least` become 0.
    mutating func scale(by factor: Float, zeroBelow least: Float = 0) {
        augment_threshold(&storage, count, least, factor)
    }

    var largest: Float { values.reduce(0, max) }

    var sum: Float { values.reduce(0, +) }
}

extension SIMD3 where Scalar == Float {
    static var one: SIMD3<Float> { SIMD3(repeating: 1) }
}
