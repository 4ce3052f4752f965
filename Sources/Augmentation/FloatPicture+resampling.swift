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

    /// The picture under a map from places of the result to its own; three channels. Only `region` of the result is written, the rest is 0.
    package func warped(by map: AffineMap, border: Border, region: PixelRegion? = nil) -> FloatPicture {
        precondition(channels == 3, "masks are moved by their points")
        var result = FloatPicture(width: width, height: height, channels: 3) { $0.initialize(repeating: 0, count: count) }
        var area = (region ?? PixelRegion(columns: 0..<width, rows: 0..<height)).kernelRegion
        let matrix = [
            map.xx, map.xy, map.x + 0.5 * (map.xx + map.xy - 1), map.yx, map.yy, map.y + 0.5 * (map.yx + map.yy - 1),
        ]
        augment_warp_rgb(storage, width, height, matrix, border.kernelBorder, &area, &result.storage)
        return result
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
