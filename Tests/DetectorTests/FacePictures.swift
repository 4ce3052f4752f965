import Detector
import Foundation

/// What facenet-pytorch finds in pictures, and the pictures: stored ones laid on a pattern by integer arithmetic alone, the same here and in
/// Tools/faces/test_pictures.py.
struct FaceValues: Decodable {
    struct Stored: Decodable {
        let file: String
        let width: Int
        let height: Int
    }

    struct Layer: Decodable {
        let picture: String
        /// Takes a pixel (x, y, 1) of the picture to one of the stored, in units of 2⁻¹⁶.
        let matrix: [Int]
        let brightness: Int
    }

    struct Face: Decodable {
        let box: [Float]
        let score: Float
        let landmarks: [[Float]]
    }

    struct Picture: Decodable {
        let name: String
        let width: Int
        let height: Int
        let minimum: Int
        let layers: [Layer]
        let checksum: Int
        let faces: [Face]
    }

    struct Net: Decodable {
        let frames: Int
        let height: Int
        let width: Int
        let shape: [Int]
        let values: [Float]
    }

    let seed: UInt64
    let stored: [String: Stored]
    let pictures: [Picture]
    let nets: [String: Net]

    static func load() throws -> FaceValues {
        try JSONDecoder().decode(FaceValues.self, from: Data(contentsOf: Fixture.url("face-values.json")))
    }

    /// The picture's RGB24, without anything between its rows.
    func pixels(of picture: Picture) throws -> [UInt8] {
        var canvas = FaceValues.background(width: picture.width, height: picture.height)
        for layer in picture.layers {
            guard let stored = stored[layer.picture] else { throw CocoaError(.fileNoSuchFile) }
            let source = [UInt8](try Data(contentsOf: Fixture.url(stored.file)))
            FaceValues.lay(layer, source, stored, on: &canvas, width: picture.width)
        }
        return canvas
    }

    /// Sum of every byte times its place's remainder.
    static func checksum(_ pixels: [UInt8]) -> Int {
        pixels.indices.reduce(0) { $0 + Int(pixels[$1]) * ($1 % 65521 + 1) }
    }

    private static func background(width: Int, height: Int) -> [UInt8] {
        var canvas = [UInt8](repeating: 0, count: 3 * width * height)
        for y in 0..<height {
            for x in 0..<width {
                for c in 0..<3 {
                    let noise = ((x * 73_856_093 ^ y * 19_349_663 ^ c * 83_492_791) & 0xffff_ffff) >> 8 & 15
                    canvas[3 * (y * width + x) + c] = UInt8(80 + ((x * 3 + y * 5 + c * 40) >> 3) % 64 + noise)
                }
            }
        }
        return canvas
    }

    private static func lay(_ layer: Layer, _ source: [UInt8], _ stored: Stored, on canvas: inout [UInt8], width: Int) {
        let a = layer.matrix
        let one = 1 << 16
        for place in 0..<canvas.count / 3 {
            let (x, y) = (place % width, place / width)
            let (u, v) = (a[0] * x + a[1] * y + a[2], a[3] * x + a[4] * y + a[5])
            guard u >= 0 && v >= 0 && u < (stored.width - 1) << 16 && v < (stored.height - 1) << 16 else { continue }
            let (right, down) = (u & 0xffff, v & 0xffff)
            for c in 0..<3 {
                let first = 3 * ((v >> 16) * stored.width + (u >> 16)) + c
                let below = first + 3 * stored.width
                let upper = Int(source[first]) * (one - right) + Int(source[first + 3]) * right
                let lower = Int(source[below]) * (one - right) + Int(source[below + 3]) * right
                let value = (upper * (one - down) + lower * down + (1 << 31)) >> 32
                canvas[3 * place + c] = UInt8((value * layer.brightness) >> 8)
            }
        }
    }
}
