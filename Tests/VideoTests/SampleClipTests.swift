import Foundation
import JobModel
import Testing
import Video

/// The clips that the project ships are what samples/README.md says.
@Suite struct SampleClipTests {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("samples")

    @Test(arguments: ["astronaut-real.mp4", "astronaut-blended.mp4"]) func isAsDescribed(_ name: String) async throws {
        let video = try await decoder().sample(path: Self.folder.appendingPathComponent(name).path)
        #expect(video.warnings.isEmpty)
        #expect(video.info.codec == "h264" && video.info.width == 480 && video.info.height == 480)
        #expect(video.info.frameCount == 100 && abs(video.info.durationSeconds - 4) < 0.001)
        #expect(abs(video.info.averageFrameRate - 25) < 0.001)
        #expect(video.frames.map(\.frameNumber) == SamplePlan.frameNumbers(Sampling(count: 16), in: 0..<100))
    }

    /// The face differs between the two, the corners do not.
    @Test func differInTheFace() async throws {
        let real = try await decoder().sample(path: Self.folder.appendingPathComponent("astronaut-real.mp4").path)
        let blended = try await decoder().sample(path: Self.folder.appendingPathComponent("astronaut-blended.mp4").path)
        for (one, other) in zip(real.frames, blended.frames) {
            let face = Self.difference(one.picture, other.picture, columns: 190..<270, rows: 90..<210)
            let corner = Self.difference(one.picture, other.picture, columns: 0..<100, rows: 380..<480)
            #expect(face > 5 && face > 3 * corner, "frame \(one.frameNumber): face \(face), corner \(corner)")
        }
    }

    static func difference(_ one: RGBImage, _ other: RGBImage, columns: Range<Int>, rows: Range<Int>) -> Double {
        var sum = 0
        for y in rows {
            for at in (y * one.width + columns.lowerBound) * 3..<(y * one.width + columns.upperBound) * 3 {
                sum += abs(Int(one.pixels[at]) - Int(other.pixels[at]))
            }
        }
        return Double(sum) / Double(columns.count * rows.count * 3)
    }
}
