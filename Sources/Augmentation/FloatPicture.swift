import CKernels
import Video

/// A picture or a mask of floats, `[height, width, channels]`: three channels are red, green, blue of 0…255, one is a mask of 0…1.
///
/// Points are counted so that pixel (x, y) covers x…x + 1 and y…y + 1, its middle at + ½, as the crops of use count them.
package struct FloatPicture: Sendable {
    package let width: Int
    package let height: Int
    package let channels: Int
    /// The pixels, and `augment_padding` floats behind them that kernels read and overwrite.
    var storage: [Float]

    /// The picture's pixels, row by row.
    package var values: ArraySlice<Float> { storage[..<count] }
    /// Floats of the picture.
    var count: Int { width * height * channels }

    /// A picture of given values; `values` must hold width·height·channels of them.
    package init(width: Int, height: Int, channels: Int, values: [Float]) {
        precondition(width > 0 && height > 0 && (channels == 1 || channels == 3), "pictures have pixels of one or three channels")
        precondition(values.count == width * height * channels, "one value a channel and pixel")
        self.width = width
        self.height = height
        self.channels = channels
        storage = values + [Float](repeating: 0, count: Int(augment_padding))
    }

    /// A picture that `fill` writes whole.
    init(width: Int, height: Int, channels: Int, fill: (UnsafeMutablePointer<Float>) -> Void) {
        precondition(width > 0 && height > 0 && (channels == 1 || channels == 3), "pictures have pixels of one or three channels")
        self.width = width
        self.height = height
        self.channels = channels
        let count = width * height * channels, padding = Int(augment_padding)
        storage = [Float](unsafeUninitializedCapacity: count + padding) { buffer, filled in
            filled = count + padding
            guard let base = buffer.baseAddress else { return }
            fill(base)
            (base + count).initialize(repeating: 0, count: padding)
        }
    }

    /// The bytes as floats.
    package init(_ image: RGBImage) {
        self.init(width: image.width, height: image.height, channels: 3) { target in
            augment_from_bytes(image.pixels, image.pixels.count, target)
        }
    }

    /// Each value at its nearest byte, halves to the even one; three channels.
    package var image: RGBImage {
        precondition(channels == 3, "a mask is no picture")
        let pixels = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = count
            guard let base = buffer.baseAddress else { return }
            augment_to_bytes(storage, count, base)
        }
        return RGBImage(width: width, height: height, pixels: pixels)
    }
}
