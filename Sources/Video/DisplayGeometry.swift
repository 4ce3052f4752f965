import CLibav

/// One of the eight ways to lay a coded picture onto the screen.
package struct Orientation: Sendable, Equatable {
    /// Rows and columns change places before anything is flipped.
    package var isTransposed = false
    /// The displayed picture's left side comes from the source's far side.
    package var flipsHorizontally = false
    /// The displayed picture's top comes from the source's far side.
    package var flipsVertically = false

    /// The nearest of the eight to libav's 3×3 display matrix: (x, y) goes to (a·x + c·y, b·x + d·y).
    init(matrix: UnsafePointer<Int32>) {
        let a = Int64(matrix[0]), b = Int64(matrix[1]), c = Int64(matrix[3]), d = Int64(matrix[4])
        isTransposed = abs(b) + abs(c) > abs(a) + abs(d)
        flipsHorizontally = (isTransposed ? c : a) < 0
        flipsVertically = (isTransposed ? b : d) < 0
    }

    /// As coded.
    package init() {}

    /// Clockwise degrees of the turn that, with `isMirrored` after it, gives this orientation.
    package var rotationDegrees: Int {
        switch (isTransposed, flipsVertically) {
        case (false, false): 0
        case (false, true): 180
        case (true, false): 90
        case (true, true): 270
        }
    }

    /// Whether the picture is mirrored left to right after the turn.
    package var isMirrored: Bool {
        isTransposed ? flipsHorizontally == flipsVertically : flipsHorizontally != flipsVertically
    }
}

/// How a coded picture is shown: its orientation and the shape of its pixels.
struct DisplayGeometry: Equatable {
    var codedWidth: Int
    var codedHeight: Int
    var orientation: Orientation
    /// Of the coded picture, before it is turned.
    var codedAspect: AspectRatio

    init(frame: UnsafeMutablePointer<AVFrame>, reader: ClipReader) {
        codedWidth = Int(frame.pointee.width)
        codedHeight = Int(frame.pointee.height)
        orientation = Self.orientation(of: frame, stream: reader.stream)
        let guessed = av_guess_sample_aspect_ratio(reader.context, reader.stream, frame)
        codedAspect = Self.plausible(guessed)
    }

    var displayedWidth: Int { orientation.isTransposed ? codedHeight : codedWidth }
    var displayedHeight: Int { orientation.isTransposed ? codedWidth : codedHeight }

    var displayedAspect: AspectRatio {
        guard orientation.isTransposed else { return codedAspect }
        return AspectRatio(numerator: codedAspect.denominator, denominator: codedAspect.numerator)
    }

    /// The largest displayed size with square pixels inside the box that enlarges neither side.
    func fittedSize(maxWidth: Int, maxHeight: Int) -> (width: Int, height: Int) {
        let stretch = Double(displayedAspect.numerator) / Double(displayedAspect.denominator)
        let width = Double(displayedWidth) * min(1, stretch)
        let height = Double(displayedHeight) / max(1, stretch)
        let scale = min(1, Double(maxWidth) / width, Double(maxHeight) / height)
        return (
            min(maxWidth, max(1, Int((width * scale).rounded()))), min(maxHeight, max(1, Int((height * scale).rounded())))
        )
    }

    private static func orientation(
        of frame: UnsafeMutablePointer<AVFrame>, stream: UnsafeMutablePointer<AVStream>
    ) -> Orientation {
        let matrixBytes = 9 * MemoryLayout<Int32>.size
        if let side = av_frame_get_side_data(frame, AV_FRAME_DATA_DISPLAYMATRIX), side.pointee.size >= matrixBytes {
            return side.pointee.data.withMemoryRebound(to: Int32.self, capacity: 9) { Orientation(matrix: $0) }
        }
        var size = 0
        guard let data = av_stream_get_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, &size), size >= matrixBytes else {
            return Orientation()
        }
        return data.withMemoryRebound(to: Int32.self, capacity: 9) { Orientation(matrix: $0) }
    }

    /// Shapes beyond 1:16 and 16:1 are header garbage and count as square.
    private static func plausible(_ ratio: AVRational) -> AspectRatio {
        let width = Int(ratio.num), height = Int(ratio.den)
        guard width > 0, height > 0, width <= 16 * height, height <= 16 * width else { return .square }
        return AspectRatio(numerator: width, denominator: height)
    }
}
