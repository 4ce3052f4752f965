import Foundation
import JobModel
import Testing
import Video

/// Wide range and wide gamut are brought to what a BT.709 display shows, as `ToneMap` says.
@Suite struct ColourTests {
    /// A clip of one colour, coded as BT.2020 with the transfer named.
    private static func flat(
        _ media: borrowing TestMedia, luma: Int, transfer: String, name: String
    ) throws -> String {
        let filter = "geq=lum=\(luma):cb=512:cr=512,format=yuv420p10le"
        return try media.make(
            name,
            [
                "-f", "lavfi", "-i", "color=size=64x64:rate=25,format=yuv420p10le", "-frames:v", "3", "-vf", filter, "-c:v", "libx265",
                "-x265-params", "log-level=none:lossless=1:colorprim=bt2020:transfer=\(transfer):colormatrix=bt2020nc",
                "-color_primaries", "bt2020", "-color_trc", transfer, "-colorspace", "bt2020nc",
            ])
    }

    private static func grey(of path: String) async throws -> Int {
        let video = try await decoder().sample(path: path, request: SamplingRequest(sampling: Sampling(count: 1), pictures: [.source]))
        let pixels = video.frames[0].kept[0].pixels
        let middle = (32 * 64 + 32) * 3
        #expect(abs(Int(pixels[middle]) - Int(pixels[middle + 1])) <= 1 && abs(Int(pixels[middle]) - Int(pixels[middle + 2])) <= 1)
        return Int(pixels[middle + 1])
    }

    /// By hand: PQ code E' of light L/10,000 with ST 2084; white is 203 cd/m²; above 0.6 of it the curve bends.
    @Test(arguments: [(0.0, 0.0), (20.0, 20.0), (100.0, 100.0), (203.0, 203.0), (1_000.0, 1_000.0)])
    func perceptualQuantizer(_ nits: Double, _ same: Double) async throws {
        let power = pow(nits / 10_000, 0.1593017578125)
        let code = pow((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power), 78.84375)
        let media = try TestMedia()
        let path = try Self.flat(media, luma: Int((64 + 876 * code).rounded()), transfer: "smpte2084", name: "pq.mp4")
        let light = nits / 203
        let bent = light <= 0.6 ? light : 0.6 + 0.4 * (1 - exp(-(light - 0.6) / 0.4))
        let expected = pow(bent, 1 / 2.4) * 255
        let grey = try await Self.grey(of: path)
        #expect(abs(Double(grey) - expected) <= 3, "\(grey), by hand \(expected)")
    }

    /// HLG's reference white, 75 % signal, is 203 cd/m² on a display of 1,000.
    @Test func hybridLogGamma() async throws {
        let media = try TestMedia()
        let white = try Self.flat(media, luma: 64 + 657, transfer: "arib-std-b67", name: "hlg.mp4")
        let expected = pow(0.6 + 0.4 * (1 - exp(-1)), 1 / 2.4) * 255
        let grey = try await Self.grey(of: white)
        #expect(abs(Double(grey) - expected) <= 3, "\(grey), by hand \(expected)")
    }

    /// Grey has no gamut: BT.2020 without range comes out as it went in.
    @Test func wideGamutGrey() async throws {
        let media = try TestMedia()
        let path = try Self.flat(media, luma: 64 + 438, transfer: "bt2020-10", name: "wide.mp4")
        let grey = try await Self.grey(of: path)
        let bent = { (light: Double) in light <= 0.6 ? light : 0.6 + 0.4 * (1 - exp(-(light - 0.6) / 0.4)) }
        #expect(abs(Double(grey) - pow(bent(pow(0.5, 2.4)), 1 / 2.4) * 255) <= 2, "\(grey)")
    }

    /// Two moments in one frame: scaled, only the first field is looked at; unscaled, the decoded pixels stay as they are.
    @Test func interlacedFramesDoNotComb() async throws {
        let media = try TestMedia()
        // White in the first field of each frame, black in the second.
        let path = try media.make(
            "fields.mkv",
            [
                "-f", "lavfi", "-i", "color=white:size=160x120:rate=25,geq=lum='if(mod(Y\\,2)\\,16\\,235)':cb=128:cr=128", "-frames:v", "4",
                "-vf", "setfield=tff", "-c:v", "ffv1", "-pix_fmt", "yuv420p", "-field_order", "tt",
            ])
        let request = SamplingRequest(
            sampling: Sampling(count: 1), pictures: [.squeezed(width: 80, height: 60), .source])
        let pictures = try await decoder().sample(path: path, request: request).frames[0].kept
        let scaled = pictures[0].pixels, source = pictures[1].pixels
        #expect(scaled.allSatisfy { $0 > 250 }, "the second field shows: \(scaled.min() ?? 0)")
        #expect(source[60 * 160 * 3] > 250 && source[61 * 160 * 3] < 5)
    }
}
