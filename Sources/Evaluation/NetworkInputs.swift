import Analysis
import Detector
import JobModel
import Video

/// What the network saw of a clip, and where the face is in it: what the checks of shortcuts and of explanations change.
struct NetworkInputs: Sendable {
    struct Input: Sendable {
        /// 224 × 224 pixels.
        var picture: RGBImage
        /// The face, in pixels of `picture`; nil where none was found.
        var face: Rectangle?
        /// The whole frame, for people.
        var frame: RGBImage
        /// The face, in pixels of `frame`.
        var faceInFrame: Rectangle?
    }

    struct Rectangle: Sendable, Equatable {
        var x: Double
        var y: Double
        var width: Double
        var height: Double

        func intersects(_ other: Rectangle) -> Bool {
            x < other.x + other.width && other.x < x + width && y < other.y + other.height && other.y < y + height
        }
    }

    let inputs: [Input]

    /// Of a model that looks at faces the very inputs; of one that looks at frames its frames' pictures squeezed to the input's size, which differ
    /// from its inputs by a rounding, and the largest face that `finder` finds.
    init(_ analysis: ClipAnalysis, card: ModelCard, finder: FaceFinder?) {
        let size = ResNetDetector.inputSize
        inputs = analysis.deciding.map { item in
            if let face = item.face {
                let side = Double(size) / (card.faceCrop ?? FaceCropRule()).scale, margin = (Double(size) - side) / 2
                let frameSide = face.crop.side / (card.faceCrop ?? FaceCropRule()).scale
                return Input(
                    picture: face.picture, face: Rectangle(x: margin, y: margin, width: side, height: side), frame: item.picture,
                    faceInFrame: Rectangle(
                        x: face.crop.centerX - frameSide / 2, y: face.crop.centerY - frameSide / 2, width: frameSide, height: frameSide))
            }
            let box = finder.flatMap { finder in
                item.picture.withView { finder.find(in: $0, shown: $0, sample: 0, isThorough: true).faces.first?.box }
            }
            func rectangle(_ width: Int, _ height: Int) -> Rectangle? {
                box.map {
                    Rectangle(
                        x: $0.x * Double(width), y: $0.y * Double(height), width: $0.width * Double(width), height: $0.height * Double(height))
                }
            }
            return Input(
                picture: item.picture.resized(width: size, height: size), face: rectangle(size, size), frame: item.picture,
                faceInFrame: rectangle(item.picture.width, item.picture.height))
        }
    }

    /// The inputs with their faces painted over in `color`; nil where a frame has no known face.
    func blankedFaces(_ color: SIMD3<UInt8>) -> [RGBImage]? {
        let pictures = inputs.compactMap { input in input.face.map { input.picture.filled($0, color) } }
        return pictures.count == inputs.count && !pictures.isEmpty ? pictures : nil
    }

    /// A square beside the face of each frame, as large as fits; nil where no frame has room for one.
    func backgrounds() -> [RGBImage]? {
        let pictures = inputs.compactMap(\.background)
        return pictures.isEmpty ? nil : pictures
    }
}

extension NetworkInputs.Input {
    /// Squares smaller than this, in pixels of the frame's picture, show nothing.
    private static let leastBackground = 32.0

    var background: RGBImage? {
        guard let face = faceInFrame else { return nil }
        let (width, height) = (Double(frame.width), Double(frame.height))
        // A tenth of the face's side about it, where hair and chin are.
        let pad = 0.1 * max(face.width, face.height)
        let taken = NetworkInputs.Rectangle(
            x: face.x - pad, y: face.y - pad, width: face.width + 2 * pad, height: face.height + 2 * pad)
        let free = [
            NetworkInputs.Rectangle(x: 0, y: 0, width: taken.x, height: height),
            NetworkInputs.Rectangle(x: taken.x + taken.width, y: 0, width: width - taken.x - taken.width, height: height),
            NetworkInputs.Rectangle(x: 0, y: 0, width: width, height: taken.y),
            NetworkInputs.Rectangle(x: 0, y: taken.y + taken.height, width: width, height: height - taken.y - taken.height),
        ]
        guard let room = free.max(by: { min($0.width, $0.height) < min($1.width, $1.height) }) else { return nil }
        let side = min(room.width, room.height, 1.25 * max(face.width, face.height)).rounded(.down)
        guard side >= Self.leastBackground else { return nil }
        let crop = FaceCrop(centerX: room.x + room.width / 2, centerY: room.y + room.height / 2, side: side)
        return frame.withView { crop.cut(from: $0, pixels: ResNetDetector.inputSize) }
    }
}

extension RGBImage {
    /// With a rectangle painted over.
    func filled(_ rectangle: NetworkInputs.Rectangle, _ color: SIMD3<UInt8>) -> RGBImage {
        var image = self
        let columns = Self.range(from: rectangle.x, length: rectangle.width, below: width)
        let rows = Self.range(from: rectangle.y, length: rectangle.height, below: height)
        for y in rows {
            for x in columns {
                for channel in 0..<3 { image.pixels[(y * width + x) * 3 + channel] = color[channel] }
            }
        }
        return image
    }

    /// Never empty of order, wherever the rectangle lies.
    private static func range(from start: Double, length: Double, below end: Int) -> Range<Int> {
        let first = min(max(0, Int(start.rounded())), end)
        return first..<min(max(first, Int((start + length).rounded())), end)
    }
}
