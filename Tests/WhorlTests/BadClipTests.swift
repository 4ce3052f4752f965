import Foundation
import Testing

/// Each kind of clip that cannot be judged ends with exit code 3 and one line that says why.
@Suite struct BadClipTests {
    @Test func badClips() throws {
        let folder = try TestFolder()
        let whole = try Data(contentsOf: URL(fileURLWithPath: try folder.clip()))
        // With the index at its end, the first half of an MP4 cannot be read at all.
        let half = Array(whole.prefix(whole.count / 2))
        var lying = Array(whole)
        if let index = whole.range(of: Data("stts".utf8))?.upperBound {
            for offset in index + 4..<index + 16 { lying[offset] = 0xFF }
        }
        let lines = (0..<300).map { "line \($0)\n" }.joined()
        let tone = ["-f", "lavfi", "-i", "sine=duration=1"]
        let clips: [(path: String, codes: Set<String>)] = [
            (try folder.write("empty.mp4", []), ["empty_file"]),
            (try folder.write("text.mp4", lines.utf8), ["not_a_video"]),
            (try folder.ffmpeg("sound.mp4", tone), ["audio_only"]),
            (try folder.ffmpeg("picture.png", ["-f", "lavfi", "-i", "testsrc2=size=64x64", "-frames:v", "1"]),
             ["picture_only", "not_a_video"]),
            (try folder.write("half.mp4", half), ["truncated", "not_a_video", "damaged"]),
            (try folder.ffmpeg(
                "dot.mkv",
                ["-f", "lavfi", "-i", "color=size=16x16:rate=5,format=rgb24,crop=1:1", "-frames:v", "5", "-c:v", "ffv1"]),
             ["dimensions_too_small"]),
            (try folder.write("huge.mjpeg", hugeMotionJPEG()), ["dimensions_too_large"]),
            (try folder.write("unknown.avi", unknownCodec()), ["unsupported_codec", "damaged"]),
            ("\(folder.path)/missing.mp4", ["unreadable_input"]),
            (folder.path, ["unreadable_input"]),
            ("/dev/zero", ["unreadable_input"]),
        ]
        for (path, codes) in clips {
            let outcome = try WhorlProcess.analyze([path, "--json"])
            #expect(outcome.status == 3, "\(path)")
            #expect(outcome.output.isEmpty, "\(path)")
            let complaints = outcome.error.split(separator: "\n")
            #expect(complaints.count == 1 && outcome.error.hasPrefix("whorl: "), "\(path): \(outcome.error)")
            guard codes != ["unreadable_input"] else { continue }
            #expect(codes.contains { outcome.error.contains("[\($0)]") }, "\(path): \(outcome.error)")
        }
        // A table of times that lies may still let frames through; it must end with a verdict or a refusal, no crash.
        let outcome = try WhorlProcess.analyze([try folder.write("lying.mp4", lying), "--json"])
        #expect([0, 3].contains(outcome.status), "\(outcome.error)")
    }

    /// Motion JPEG whose frames say that they are 16384 pixels wide and high.
    private func hugeMotionJPEG() throws -> [UInt8] {
        let folder = try TestFolder()
        let small = try folder.ffmpeg(
            "small.mjpeg", ["-f", "lavfi", "-i", "testsrc2=size=64x64", "-frames:v", "3", "-c:v", "mjpeg", "-pix_fmt", "yuvj420p"])
        var bytes = Array(try Data(contentsOf: URL(fileURLWithPath: small)))
        for index in 0..<bytes.count - 9 where bytes[index] == 0xFF && bytes[index + 1] == 0xC0 {
            bytes.replaceSubrange(index + 5..<index + 9, with: [0x40, 0, 0x40, 0])
        }
        return bytes
    }

    /// An AVI whose codec nobody knows.
    private func unknownCodec() throws -> [UInt8] {
        let folder = try TestFolder()
        let known = try folder.ffmpeg(
            "known.avi", ["-f", "lavfi", "-i", "testsrc2=size=64x64", "-frames:v", "3", "-c:v", "mjpeg", "-pix_fmt", "yuvj420p"])
        var bytes = Array(try Data(contentsOf: URL(fileURLWithPath: known)))
        for index in 0..<bytes.count - 4 where bytes[index..<index + 4].elementsEqual("MJPG".utf8) {
            bytes.replaceSubrange(index..<index + 4, with: "QZQZ".utf8)
        }
        return bytes
    }
}
