import Augmentation
import Foundation
import NeuralCore
import Video

/// Faces of noise: soft blobs with grain, a box in the middle, five landmarks and a mesh in an oval.
enum TestFaces {
    static func picture(width: Int, height: Int, seed: UInt64) -> RGBImage {
        var random = SeededRandom(seed: seed)
        let waves = (0..<9).map { _ in (random.uniform(0.02...0.2), random.uniform(0.02...0.2), random.uniform(0...6), random.uniform(10...30)) }
        var pixels: [UInt8] = []
        pixels.reserveCapacity(width * height * 3)
        for y in 0..<height {
            for x in 0..<width {
                for channel in 0..<3 {
                    var value = 120.0
                    for wave in waves[3 * channel..<3 * channel + 3] {
                        value += wave.3 * sin(wave.0 * Double(x) + wave.1 * Double(y) + wave.2)
                    }
                    pixels.append(UInt8(min(max(value + random.uniform(-6...6), 0), 255)))
                }
            }
        }
        return RGBImage(width: width, height: height, pixels: pixels)
    }

    /// A face whose box is half as large as the picture, moved by some pixels from its middle.
    static func source(
        width: Int = 300, height: Int = 310, seed: UInt64 = 1, moved: SIMD2<Double> = .zero, hasMesh: Bool = true
    ) -> BlendSource {
        let side = Double(min(width, height)) / 1.9
        let box = BlendSource.Box(
            x: Double(width) / 2 + moved.x - 0.4 * side, y: Double(height) / 2 + moved.y - side / 2, width: 0.8 * side, height: side)
        return BlendSource(
            picture: picture(width: width, height: height, seed: seed), box: box, landmarks: landmarks(of: box),
            mesh: hasMesh ? mesh(of: box) : nil)
    }

    static func landmarks(of box: BlendSource.Box) -> [SIMD2<Float>] {
        [(0.3, 0.4), (0.7, 0.41), (0.52, 0.6), (0.34, 0.78), (0.68, 0.79)].map { x, y in
            SIMD2(Float(box.x + x * box.width), Float(box.y + y * box.height))
        }
    }

    /// 468 points spread over the box's oval, the same for each box.
    static func mesh(of box: BlendSource.Box) -> [SIMD2<Float>] {
        var random = SeededRandom(seed: 468)
        return (0..<468).map { _ in
            let angle = random.uniform(0...2 * .pi), distance = 0.5 * random.uniform().squareRoot()
            return SIMD2(
                Float(box.x + box.width * (0.5 + distance * cos(angle))), Float(box.y + box.height * (0.5 + distance * sin(angle))))
        }
    }

    /// Settings under which a pair differs by nothing: no change, no move, no compression, a fixed crop.
    static var still: BlendSettings {
        var settings = BlendSettings()
        settings.patch.flipChance = 0
        settings.patch.shrinkChance = 0
        settings.difference.color = BlendSettings.ColorRanges()
        settings.difference.resampleShare = 0
        settings.difference.sharpen = 0...0
        settings.placement.shiftX = 0
        settings.placement.shiftY = 0
        settings.placement.scale = 1...1
        settings.placement.turnChance = 0
        settings.photometric.chance = 0
        settings.detail.coarserShare = 0
        settings.detail.sharperShare = 0
        settings.compression.h264Share = 0
        settings.compression.jpegShare = 0
        settings.crop.margin = 0.125...0.125
        settings.crop.jitter = 0
        settings.clip.holdChance = 0
        settings.clip.shakeChance = 0
        settings.clip.flickerChance = 0
        settings.clip.trembleChance = 0
        settings.clip.colorFlickerChance = 0
        settings.clip.ratioFlickerChance = 0
        settings.clip.innerHoldChance = 0
        return settings
    }

    /// Mean absolute difference of bytes.
    static func distance(_ a: RGBImage, _ b: RGBImage) -> Double {
        Double(zip(a.pixels, b.pixels).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) }) / Double(a.pixels.count)
    }

    /// Mean absolute difference of neighbours in a row: how fine its details are.
    static func roughness(_ image: RGBImage) -> Double {
        let differences = (0..<image.height).flatMap { y in
            (1..<image.width).map { x in abs(Int(image.pixels[(y * image.width + x) * 3]) - Int(image.pixels[(y * image.width + x - 1) * 3])) }
        }
        return Double(differences.reduce(0, +)) / Double(differences.count)
    }

    static func mirrored(_ image: RGBImage) -> RGBImage {
        var result = image
        for y in 0..<image.height {
            for x in 0..<image.width {
                for channel in 0..<3 {
                    result.pixels[(y * image.width + x) * 3 + channel] =
                        image.pixels[(y * image.width + image.width - 1 - x) * 3 + channel]
                }
            }
        }
        return result
    }
}
