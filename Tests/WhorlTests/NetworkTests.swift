import Foundation
import JobModel
import NeuralCore
import Testing

/// How the programs compute, and what they say about it.
@Suite struct NetworkTests {
    struct Golden: Sendable, CustomStringConvertible {
        let sample: String
        let precision: Precision
        let logit: Double
        /// Of the sixth frame.
        let frameLogit: Double
        /// Largest value of any Grad-CAM map.
        let mapMaximum: Double

        var description: String { "\(sample) in \(precision.rawValue)" }
    }

    /// What the model of seed 7 computes of the samples.
    static let golden = [
        Golden(sample: "astronaut-real", precision: .float32, logit: -0.4157127, frameLogit: -0.4151574, mapMaximum: 4.06004e-4),
        Golden(sample: "astronaut-real", precision: .split, logit: -0.4157128, frameLogit: -0.4151580, mapMaximum: 4.06014e-4),
        Golden(sample: "astronaut-real", precision: .bfloat16, logit: -0.4161602, frameLogit: -0.4152763, mapMaximum: 4.10251e-4),
        Golden(sample: "astronaut-blended", precision: .float32, logit: -0.4149032, frameLogit: -0.4174207, mapMaximum: 3.99984e-4),
        Golden(sample: "astronaut-blended", precision: .split, logit: -0.4149031, frameLogit: -0.4174217, mapMaximum: 3.99979e-4),
        Golden(sample: "astronaut-blended", precision: .bfloat16, logit: -0.4155806, frameLogit: -0.4174570, mapMaximum: 3.99141e-4),
    ]

    private static func sample(_ name: String) -> String {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("samples/\(name).mp4").path
    }

    @Test("a clip's verdict is the one on record, on every path this CPU has", arguments: golden, KernelSet.allCases)
    func goldenVerdict(golden: Golden, kernels: KernelSet) throws {
        guard kernels.precisions.contains(golden.precision) else { return }
        let outcome = try WhorlProcess.analyze([
            "--json", "--precision", golden.precision.rawValue, "--kernels", kernels.rawValue, Self.sample(golden.sample),
        ])
        if let obstacle = kernels.obstacle {
            // A path that cannot run here must say so; it is on record in the test's output, too.
            print("not run on this CPU: \(golden) on \(kernels.rawValue): \(obstacle)")
            #expect(outcome.status == 2 && outcome.error.contains(obstacle), "\(outcome.error)")
            return
        }
        try #require(outcome.status == 0, "\(outcome.error)")
        let verdict = try WhorlJSON.decoder().decode(Verdict.self, from: Data(outcome.output.utf8))
        #expect(verdict.model.precision == golden.precision.rawValue)
        #expect(verdict.label == .uncertain && verdict.reasons == [.untrainedModel])
        let track = try #require(verdict.tracks.first)
        // Digits on record, and float32 paths that sum in other orders.
        #expect(abs(try #require(verdict.logit) - golden.logit) <= 2e-6)
        #expect(abs(track.frames[5].logit - golden.frameLogit) <= 2e-6)
        #expect(abs(track.gradcamRange[1] - golden.mapMaximum) <= 1e-8)
    }

    @Test func unusableKernels() throws {
        let clip = Self.sample("astronaut-real")
        for (arguments, words) in [
            (["--threads", "0"], ["0 threads", "between 1 and 256"]),
            (["--threads", "10000"], ["10000 threads", "between 1 and 256"]),
            (["--kernels", "sse"], ["sse", "avx512"]),
            (["--precision", "float16"], ["float16", "bfloat16"]),
            (["--precision", "float32", "--kernels", "amx"], ["amx"]),
            (["--precision", "split", "--kernels", "reference"], ["reference kernels compute float32, not split"]),
        ] {
            let outcome = try WhorlProcess.analyze(arguments + [clip])
            #expect(outcome.status == 2, "\(arguments)")
            for word in words { #expect(outcome.error.contains(word), "\(arguments): \(outcome.error)") }
        }
    }

    private struct Plan: Decodable {
        struct Layer: Decodable {
            var name, method: String
            var multiplications, directMultiplications, packedBytes: Int
        }
        var precision, kernels: String
        var layers: [Layer]
        var multiplications, directMultiplications: Int
    }

    @Test("a plan shows each layer's method", arguments: KernelSet.available)
    func plan(kernels: KernelSet) throws {
        let arguments = ["model", "inspect", try WhorlProcess.model.get(), "--plan", "--kernels", kernels.rawValue]
        let json = try WhorlProcess.run(arguments + ["--json"])
        try #require(json.status == 0, "\(json.error)")
        let plan = try JSONDecoder().decode(Plan.self, from: Data(json.output.utf8))
        #expect(plan.kernels == kernels.rawValue && plan.layers.count == 20)
        // He et al. 2016, table 1: 1.8·10⁹ for one picture.
        #expect(plan.directMultiplications == 1_813_561_344)
        #expect(plan.layers.map(\.multiplications).reduce(0, +) == plan.multiplications)
        #expect(plan.layers.allSatisfy { $0.packedBytes > 0 })
        if kernels == .avx2 || kernels == .avx512 {
            #expect(plan.multiplications < plan.directMultiplications / 2)
            #expect(plan.layers.filter { $0.method == "Winograd F(4x4)" }.count == 13)
        }
        let text = try WhorlProcess.run(arguments)
        #expect(text.status == 0)
        for word in ["layer4.1.conv1", "512 to 512, 3x3", "packed MB", plan.layers[3].method, kernels.rawValue] {
            #expect(text.output.contains(word), "\(word)")
        }
    }
}

/// `whorl bench forward`, which others' programs drive.
@Suite struct BenchTests {
    /// A NumPy file of `count` grey frames.
    private static func frames(_ count: Int, extent: Int = 224) -> [UInt8] {
        var header = "{'descr': '<f4', 'fortran_order': False, 'shape': (\(count), 3, \(extent), \(extent)), }"
        header += String(repeating: " ", count: 117 - header.utf8.count) + "\n"
        var bytes: [UInt8] = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, UInt8(header.utf8.count), 0]
        bytes += Array(header.utf8)
        bytes += [Float](repeating: 0.25, count: count * 3 * extent * extent).flatMap { value in
            withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) }
        }
        return bytes
    }

    @Test func servesForwards() throws {
        let folder = try TestFolder()
        let input = try folder.write("frames.npy", Self.frames(2))
        let outcome = try WhorlProcess.run(
            ["bench", "forward", "--weights", try WhorlProcess.model.get(), "--input", input, "--threads", "2", "--precision",
             "float32", "--serve"], input: "3\n1\n")
        #expect(outcome.status == 0, "\(outcome.error)")
        let lines = try outcome.output.split(separator: "\n").map { try JSONDecoder().decode([Double].self, from: Data($0.utf8)) }
        try #require(lines.map(\.count) == [2, 3, 1])
        #expect(lines[0][0] == lines[0][1] && lines[0][0].isFinite)
        #expect(lines[1].allSatisfy { $0 > 0 } && lines[2].allSatisfy { $0 > 0 })
    }

    @Test func refusesBadRequests() throws {
        let folder = try TestFolder()
        let input = try folder.write("frames.npy", Self.frames(1))
        let model = try WhorlProcess.model.get()
        let served = try WhorlProcess.run(["bench", "forward", "--weights", model, "--input", input, "--serve"], input: "many\n")
        #expect(served.status == 2 && served.error.contains("\"many\"") && served.error.contains("a number of runs"))
        let small = try folder.write("small.npy", Self.frames(1, extent: 8))
        for (file, words) in [(small, "[T, 3, 224, 224] wanted"), ("/etc/hostname", "no NumPy file"), ("\(folder.path)/none", "none")] {
            let outcome = try WhorlProcess.run(["bench", "forward", "--weights", model, "--input", file])
            #expect(outcome.status == 1 && outcome.error.contains(words), "\(outcome.error)")
        }
        let many = try folder.write("many.npy", Self.frames(17))
        let layers = try WhorlProcess.run(["bench", "forward", "--weights", model, "--input", many, "--layers"])
        #expect(layers.status == 2 && layers.error.contains("17 frames") && layers.error.contains("at most 16"))
    }

    @Test func showsLayers() throws {
        let folder = try TestFolder()
        let input = try folder.write("frames.npy", Self.frames(1))
        let outcome = try WhorlProcess.run(
            ["bench", "forward", "--weights", try WhorlProcess.model.get(), "--input", input, "--layers", "--runs", "2"])
        #expect(outcome.status == 0)
        for word in ["maxpool", "layer3.0.downsample", "layer4.1", "median", "all"] { #expect(outcome.output.contains(word)) }
        let plain = try WhorlProcess.run(
            ["bench", "forward", "--weights", try WhorlProcess.model.get(), "--input", input, "--runs", "2"])
        #expect(plain.status == 0 && plain.output.contains("median"))
    }
}
