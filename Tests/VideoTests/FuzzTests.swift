import Foundation
import JobModel
import Synchronization
import Testing
import Video

/// Damaged and hostile clips of every container: whatever their bytes, the answer is frames or a reason, in bounded time and memory.
///
/// `WHORL_FUZZ_FILES` says how many (500 by default, `make fuzz` takes more), `WHORL_FUZZ_SEED` which.
@Suite struct FuzzTests {
    private static func setting(_ name: String, default value: Int) -> Int {
        ProcessInfo.processInfo.environment[name].flatMap { Int($0) } ?? value
    }

    /// Small clips that the mutations start from, one a container and codec.
    private static let seeds: [(name: String, arguments: [String])] = [
        ("plain.mp4", ["-c:v", "libx264", "-g", "4", "-bf", "2"]),
        ("fragmented.mp4", ["-c:v", "libx264", "-g", "4", "-movflags", "frag_keyframe+empty_moov"]),
        ("hevc.mp4", ["-c:v", "libx265", "-x265-params", "log-level=none:keyint=4"]), ("plain.mov", ["-c:v", "prores_ks"]),
        ("av1.mp4", ["-c:v", "libaom-av1", "-cpu-used", "8", "-g", "4"]), ("plain.mkv", ["-c:v", "libx264", "-g", "4"]),
        ("ffv1.mkv", ["-c:v", "ffv1"]), ("vp8.webm", ["-c:v", "libvpx", "-g", "4"]),
        ("vp9.webm", ["-c:v", "libvpx-vp9", "-g", "4", "-deadline", "realtime"]), ("mpeg4.avi", ["-c:v", "mpeg4", "-bf", "1"]),
        ("mjpeg.avi", ["-c:v", "mjpeg"]), ("mpeg1.mpg", ["-c:v", "mpeg1video"]), ("mpeg2.mpg", ["-c:v", "mpeg2video"]),
        ("plain.ts", ["-c:v", "libx264", "-g", "4"]), ("plain.gif", []), ("plain.ogv", ["-c:v", "libtheora"]),
        ("plain.mjpeg", ["-c:v", "mjpeg"]),
    ]

    private static var limits: DecoderLimits {
        var limits = DecoderLimits()
        limits.wallClockSeconds = 8
        limits.addressSpaceMegabytes = 768
        limits.maxFrames = 5_000
        return limits
    }

    @Test func noClipDoesHarm() async throws {
        let count = Self.setting("WHORL_FUZZ_FILES", default: 500)
        let seed = Self.setting("WHORL_FUZZ_SEED", default: 2_026)
        let media = try TestMedia()
        var clips: [[UInt8]] = []
        for (name, arguments) in Self.seeds {
            _ = try media.make(name, TestMedia.source(size: "64x48", frames: 12) + arguments)
            clips.append(try media.bytes(name))
        }
        let folder = media.folder, sources = clips
        let before = try FileManager.default.contentsOfDirectory(atPath: folder).count
        let ledger = FuzzLedger()
        await withTaskGroup(of: Void.self) { group in
            for worker in 0..<2 {
                group.addTask {
                    let path = "\(folder)/mutant-\(worker)"
                    while true {
                        let number = ledger.nextNumber()
                        guard number < count else { return }
                        let outcome = await Self.judge(number: number, seed: seed, clips: sources, path: path)
                        ledger.count(outcome)
                    }
                }
            }
        }
        let seen = ledger.outcomes
        print("fuzzing, seed \(seed): \(seen.sorted { $0.value > $1.value }.map { "\($0.value) \($0.key)" }.joined(separator: ", "))")
        #expect(seen.values.reduce(0, +) == count)
        // Some survive and some do not, or the mutations are no good.
        #expect((seen["sampled"] ?? 0) > count / 20 && (seen["sampled"] ?? 0) < count * 19 / 20)
        let after = try FileManager.default.contentsOfDirectory(atPath: folder).count
        #expect(after <= before + 2, "files are left behind")
    }

    /// What became of one mutant; a harmful one is recorded with its number, and kept.
    private static func judge(number: Int, seed: Int, clips: [[UInt8]], path: String) async -> String {
        var generator = SeededGenerator(seed: UInt64(truncatingIfNeeded: seed &* 1_000_003 &+ number))
        let mutant = Mutation.apply(to: clips[number % clips.count], using: &generator)
        do {
            try Data(mutant).write(to: URL(fileURLWithPath: path))
        } catch {
            Issue.record("mutant \(number) cannot be written: \(error)")
            return "unwritten"
        }
        let start = ContinuousClock.now
        var outcome = "sampled"
        do throws(VideoError) {
            let mode: Sampling.Mode = number % 5 == 0 ? .keyframe : .exact
            let request = SamplingRequest(
                sampling: Sampling(mode: mode, count: 1 + number % 7), pictures: [number % 3 == 0 ? .source : .squeezed(width: 32, height: 32)])
            let video = try await decoder(limits: limits).sample(path: path, request: request)
            if video.frames.count != request.sampling.count { record(number, seed, "\(video.frames.count) frames") }
        } catch {
            outcome = error.code.rawValue
            if !error.isInputFault || error.detail.contains("jail") { record(number, seed, error.debugDescription) }
        }
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        if seconds > limits.wallClockSeconds + 10 { record(number, seed, "it took \(seconds) s") }
        return outcome
    }

    private static func record(_ number: Int, _ seed: Int, _ what: String) {
        Issue.record("mutant \(number) of seed \(seed): \(what)")
    }
}

/// Which mutants were taken, and what became of them.
private final class FuzzLedger: Sendable {
    private let state = Mutex<(next: Int, outcomes: [String: Int])>((0, [:]))

    var outcomes: [String: Int] { state.withLock { $0.outcomes } }

    func nextNumber() -> Int {
        state.withLock { state in
            state.next += 1
            return state.next - 1
        }
    }

    func count(_ outcome: String) {
        state.withLock { $0.outcomes[outcome, default: 0] += 1 }
    }
}

/// Ways to spoil a file that its reader may not expect.
enum Mutation {
    private static let numbers: [UInt32] = [0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFE, 0xFFFF_FFFF]

    static func apply(to bytes: [UInt8], using generator: inout SeededGenerator) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...3, using: &generator) where bytes.count > 16 {
            switch Int.random(in: 0..<8, using: &generator) {
            case 0: flipBits(&bytes, &generator)
            case 1: bytes.removeLast(Int.random(in: 1..<bytes.count, using: &generator))
            case 2, 3: writeNumber(&bytes, at: Int.random(in: 0..<bytes.count - 4, using: &generator), &generator)
            case 4, 5: lieInABox(&bytes, &generator)
            case 6: moveChunk(&bytes, &generator)
            default: flipBits(&bytes, &generator, within: min(512, bytes.count))
            }
        }
        return bytes
    }

    private static func flipBits(_ bytes: inout [UInt8], _ generator: inout SeededGenerator, within range: Int? = nil) {
        for _ in 0..<Int.random(in: 1...12, using: &generator) {
            bytes[Int.random(in: 0..<(range ?? bytes.count), using: &generator)] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        }
    }

    private static func writeNumber(_ bytes: inout [UInt8], at place: Int, _ generator: inout SeededGenerator) {
        let number = numbers.randomElement(using: &generator) ?? 0
        let width = [1, 2, 4].randomElement(using: &generator) ?? 4
        let isBigEndian = Bool.random(using: &generator)
        for byte in 0..<width {
            let shift = UInt32(8 * (isBigEndian ? width - 1 - byte : byte))
            bytes[place + byte] = UInt8(truncatingIfNeeded: number >> shift)
        }
    }

    /// Near something that looks like the name of a box, a chunk or a code: a size before it or counts after it.
    private static func lieInABox(_ bytes: inout [UInt8], _ generator: inout SeededGenerator) {
        let start = Int.random(in: 0..<max(1, bytes.count - 4), using: &generator)
        let isLetter = { (byte: UInt8) in (0x61...0x7A).contains(byte) || (0x41...0x5A).contains(byte) || byte == 0x32 || byte == 0x34 }
        guard bytes.count > 24,
            let name = (start..<bytes.count - 4).first(where: { at in bytes[at..<at + 4].allSatisfy(isLetter) })
        else { return writeNumber(&bytes, at: 0, &generator) }
        let place = name + ([-4, 4, 8, 12, 16].randomElement(using: &generator) ?? 4)
        guard place >= 0, place + 4 <= bytes.count else { return }
        writeNumber(&bytes, at: place, &generator)
    }

    private static func moveChunk(_ bytes: inout [UInt8], _ generator: inout SeededGenerator) {
        let length = Int.random(in: 1...max(1, bytes.count / 4), using: &generator)
        let from = Int.random(in: 0...bytes.count - length, using: &generator)
        let chunk = Array(bytes[from..<from + length])
        if Bool.random(using: &generator) { bytes.removeSubrange(from..<from + length) }
        bytes.insert(contentsOf: chunk, at: Int.random(in: 0...bytes.count, using: &generator))
    }
}
