import Crops
import Foundation
import Testing
import Video

/// A folder of a test's own, gone with it.
struct CropFolder: ~Copyable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/whorl-crops-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            Issue.record("a test's folder stays behind: \(error)")
        }
    }

    var dataset: String { "\(path)/dataset" }

    func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }

    func bytes(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(fileURLWithPath: "\(dataset)/\(name)"))) }

    func change(_ name: String, _ body: (inout [UInt8]) -> Void) throws {
        var bytes = try bytes(name)
        body(&bytes)
        try Data(bytes).write(to: URL(fileURLWithPath: "\(dataset)/\(name)"))
    }

    func change(_ name: String, from old: String, to new: String) throws {
        let text = String(decoding: try bytes(name), as: UTF8.self)
        try #require(text.contains(old))
        try change(name) { $0 = Array(text.replacingOccurrences(of: old, with: new).utf8) }
    }
}

extension CropSource {
    static func made(_ path: String, _ label: Label = .real, method: String = "real", group: String) -> CropSource {
        CropSource(
            path: path, sha256: "sha of \(path)", kind: .clip, label: label, method: method, group: group, width: 640, height: 360,
            durationSeconds: 3, bytes: 1_234, codec: "h264")
    }
}

extension Crop {
    static func made(source: Int, frame: Int, side: Int, mesh: Int = 0) -> Crop {
        Crop(
            source: source, track: 0, frameNumber: frame, timestampSeconds: Double(frame) / 25, width: side, height: side,
            box: Box(x: -1.25, y: 3, width: 20.5, height: 1 / 3), landmarks: (0..<5).map { SIMD2(Float($0) / 3, -Float($0)) },
            mesh: mesh == 0 ? nil : (0..<mesh).map { SIMD2(Float($0) * 0.1 + Float(frame), -Float($0) / 7) }, scale: 0.75, score: 0.99,
            meanLuma: 101.5, sharpness: 77.25)
    }
}

/// A picture that no filter predicts.
func noise(_ side: Int, seed: UInt64) -> RGBImage {
    var state = seed &* 0x9e37_79b9_7f4a_7c15 | 1
    let pixels = (0..<side * side * 3).map { _ -> UInt8 in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(truncatingIfNeeded: state >> 33)
    }
    return RGBImage(width: side, height: side, pixels: pixels)
}

/// Why something is refused.
func refusal(_ body: () throws(CropsError) -> Void) -> CropsError? {
    do throws(CropsError) {
        try body()
        return nil
    } catch {
        return error
    }
}
