import CKernels
import Video

extension FloatPicture {
    /// A byte picture seen through two axes.
    init(_ image: RGBImage, rows: ResamplingAxis, columns: ResamplingAxis) {
        self.init(width: columns.count, height: rows.count, channels: 3) { target in
            var line = Self.line(columns, channels: 3)
            rows.withKernelAxis { rows in
                columns.withKernelAxis { axis in
                    var (rows, axis) = (rows, axis)
                    augment_resample_u8(
                        image.pixels, image.width * 3, 3, &rows, &axis, columns.reach.lowerBound, columns.reach.upperBound, &line, target)
                }
            }
        }
    }

    /// The picture seen through two axes.
    func resampled(rows: ResamplingAxis, columns: ResamplingAxis) -> FloatPicture {
        FloatPicture(width: columns.count, height: rows.count, channels: channels) { target in
            var line = Self.line(columns, channels: channels)
            rows.withKernelAxis { rows in
                columns.withKernelAxis { axis in
                    var (rows, axis) = (rows, axis)
                    augment_resample_f32(
                        storage, width, channels, &rows, &axis, columns.reach.lowerBound, columns.reach.upperBound, &line, target)
                }
            }
        }
    }

    private static func line(_ columns: ResamplingAxis, channels: Int) -> [Float] {
        [Float](repeating: 0, count: columns.reach.count * channels + Int(augment_padding))
    }

    /// The picture at another size, as OpenCV's `resize` makes it.
    package func resized(width newWidth: Int, height newHeight: Int, by scaling: PictureScaling) -> FloatPicture {
        if newWidth == width && newHeight == height { return self }
        return resampled(
            rows: .resized(from: height, to: newHeight, by: scaling), columns: .resized(from: width, to: newWidth, by: scaling))
    }

    /// Made smaller by `factor` and back to its size, at least 8 pixels a side in between.
    package func coarsened(by factor: Double, down: PictureScaling, up: PictureScaling) -> FloatPicture {
        let small = resized(width: max(8, Int(Double(width) / factor)), height: max(8, Int(Double(height) / factor)), by: down)
        // Cubic overshoots.
        var result = small.resized(width: width, height: height, by: up)
        if down == .cubic || up == .cubic { result.adjust(gain: .one, offset: .zero) }
        return result
    }

    /// The picture under a map from places of the result to its own; three channels.
    package func warped(by map: AffineMap, border: Border) -> FloatPicture {
        precondition(channels == 3, "masks are moved by their points")
        return FloatPicture(width: width, height: height, channels: 3) { target in
            augment_warp_rgb(storage, width, height, map.kernelMatrix, border.kernelBorder, target)
        }
    }

    /// Blends another picture in under a map from places of this one to its own, by a mask of one channel that is 0 outside a region; where it is 0
    /// nothing changes to the bit.
    package mutating func blend(
        _ other: FloatPicture, warpedBy map: AffineMap, border: Border, mask: FloatPicture, region: PixelRegion
    ) {
        precondition(other.width == width && other.height == height && other.channels == 3 && channels == 3, "pictures of one size")
        precondition(mask.width == width && mask.height == height && mask.channels == 1, "a mask for each pixel")
        precondition(region.columns.upperBound <= width && region.rows.upperBound <= height, "a region of the picture")
        var area = region.kernelRegion
        augment_blend_warped(
            other.storage, width, height, map.kernelMatrix, border.kernelBorder, mask.storage, &area, &storage)
    }

    /// What a picture is beyond its edge.
    package enum Border: Sendable {
        /// Its last pixels repeat.
        case replicate
        /// It is mirrored.
        case reflect
        /// It is black.
        case constant

        var kernelBorder: augment_border {
            switch self {
            case .replicate: augment_border_replicate
            case .reflect: augment_border_reflect
            case .constant: augment_border_constant
            }
        }
    }
}

/// A rectangle of whole pixels.
package struct PixelRegion: Sendable, Equatable {
    package let columns: Range<Int>
    package let rows: Range<Int>

    package init(columns: Range<Int>, rows: Range<Int>) {
        self.columns = columns
        self.rows = rows
    }

    var kernelRegion: augment_region {
        augment_region(left: columns.lowerBound, top: rows.lowerBound, right: columns.upperBound, bottom: rows.upperBound)
    }

    /// The least rectangle that holds all that is not 0 of a picture of one channel; nil if all is.
    init?(nonzeroOf mask: FloatPicture) {
        var left = mask.width, right = 0, top = mask.height, bottom = 0
        mask.storage.withUnsafeBufferPointer { values in
            for y in 0..<mask.height {
                let row = y * mask.width..<(y + 1) * mask.width
                guard let first = row.first(where: { values[$0] != 0 }), let last = row.last(where: { values[$0] != 0 }) else { continue }
                left = min(left, first - row.lowerBound)
                right = max(right, last - row.lowerBound + 1)
                top = min(top, y)
                bottom = y + 1
            }
        }
        guard left < right else { return nil }
        self.init(columns: left..<right, rows: top..<bottom)
    }
}

extension AffineMap {
    /// The map between the middles of pixels, which kernels count from 0.
    fileprivate var kernelMatrix: [Double] {
        [xx, xy, x + 0.5 * (xx + xy - 1), yx, yy, y + 0.5 * (yx + yy - 1)]
    }
}
