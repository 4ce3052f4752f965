import Foundation
import JobModel
import Synchronization
import Testing
import Video

/// The decoder's jail holds: a process inside it is stopped at whatever it tries.
@Suite struct JailTests {
    private enum Ending: Equatable {
        case exited(Int32)
        case killed(Int32)
    }

    private static func attempt(_ name: String) throws -> Ending {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: DecoderProcess.defaultExecutablePath)
            .deletingLastPathComponent().appendingPathComponent("whorl-jail-probe")
        process.arguments = [name]
        try process.run()
        process.waitUntilExit()
        return process.terminationReason == .exit ? .exited(process.terminationStatus) : .killed(process.terminationStatus)
    }

    @Test(arguments: [
        "connect", "socket", "fork", "exec", "ptrace", "kill", "unlink", "read-elsewhere", "write-elsewhere", "executable-memory",
    ])
    func isKilledAt(_ attempt: String) throws {
        #expect(try Self.attempt(attempt) == .killed(SIGSYS))
    }

    @Test(arguments: ["open", "create"]) func opensNoFile(_ attempt: String) throws {
        #expect(try Self.attempt(attempt) == .exited(EACCES))
        #expect(!FileManager.default.fileExists(atPath: "/tmp/whorl-jail-probe"))
    }

    /// What decoding needs still works, or the tests above would prove nothing.
    @Test(arguments: ["nothing", "memory", "thread"]) func letsPass(_ attempt: String) throws {
        #expect(try Self.attempt(attempt) == .exited(0))
    }

    @Test func landlockIsASecondLayer() throws {
        let noLandlock: Int32 = 121
        let ending = try Self.attempt("landlock-open")
        if ending == .exited(noLandlock) {
            print("not tested: this kernel has no Landlock")
            return
        }
        #expect(ending == .exited(EACCES))
    }

    /// The real decoder is inside before it has given its first frame.
    @Test func theDecoderIsInside() async throws {
        let media = try TestMedia()
        let path = try media.make("clip.mp4", TestMedia.source(frames: 50) + ["-c:v", "libx264"])
        let states = Mutex<[String]>([])
        _ = try await decoder().sample(path: path, request: SamplingRequest(pictures: [.source])) { frame in
            for state in Self.statesOfChildren(named: "whorl-decoder") { states.withLock { $0.append(state) } }
            return frame.number
        }
        let seen = states.withLock { $0 }
        #expect(seen.count >= 16)
        let filterMode = seen.allSatisfy { $0.contains("Seccomp:\t2") && $0.contains("NoNewPrivs:\t1") }
        #expect(filterMode)
    }

    private static func statesOfChildren(named name: String) -> [String] {
        let processes = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return processes.filter { Int($0) != nil }.compactMap { process in
            let status = String(decoding: FileManager.default.contents(atPath: "/proc/\(process)/status") ?? Data(), as: UTF8.self)
            return status.contains("PPid:\t\(getpid())\n") && status.hasPrefix("Name:\t\(name)") ? status : nil
        }
    }

    /// One buffer is enough, and many wait for nobody.
    @Test(arguments: [1, 2, 16]) func anyNumberOfBuffers(_ count: Int) async throws {
        let media = try TestMedia()
        let path = try media.make("clip.mp4", TestMedia.source(frames: 100) + ["-c:v", "libx264", "-g", "10"])
        var limits = DecoderLimits()
        limits.bufferedFrames = count
        let video = try await decoder(limits: limits).sample(path: path, request: SamplingRequest(count: 40))
        #expect(Set(video.frames.map(\.frameNumber)).count == 40)
    }
}
