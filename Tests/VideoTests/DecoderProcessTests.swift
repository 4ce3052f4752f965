import Foundation
import Synchronization
import Testing
import Video

/// The parent survives whatever its child does, and leaves nothing behind.
@Suite struct DecoderProcessTests {
    static let x264 = ["-c:v", "libx264", "-pix_fmt", "yuv420p"]

    /// A program that stands in for the decoder and notes its process number.
    static func script(_ media: borrowing TestMedia, _ body: String) throws -> String {
        let path = try media.write("decoder", "#!/bin/sh\necho $$ >> \(media.path("started"))\n\(body)\n".utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        return path
    }

    static func clip(_ media: borrowing TestMedia) throws -> String {
        try media.make("clip.mp4", TestMedia.source(frames: 20) + x264)
    }

    static func limits(seconds: Double) -> DecoderLimits {
        var limits = DecoderLimits()
        limits.wallClockSeconds = seconds
        return limits
    }

    /// The numbers of the scripts' processes so far, whole lines only.
    static func started(_ media: borrowing TestMedia) -> [Int] {
        let text = String(decoding: FileManager.default.contents(atPath: media.path("started")) ?? Data(), as: UTF8.self)
        return text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().compactMap { Int($0) }
    }

    /// Whether all `count` children are gone; a zombie still has its folder in /proc.
    static func areGone(_ media: borrowing TestMedia, count: Int = 1) -> Bool {
        let numbers = started(media)
        return numbers.count == count && numbers.allSatisfy { !FileManager.default.fileExists(atPath: "/proc/\($0)") }
    }

    /// The real decoder behind a script, so that its process number is known.
    static func noted(_ media: borrowing TestMedia) throws -> String {
        let real = ProcessInfo.processInfo.environment["WHORL_DECODER"] ?? DecoderProcess.defaultExecutablePath
        return try script(media, "exec '\(real)'")
    }

    static func openDescriptors() throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
    }

    @Test func descriptorStaysTheCallers() async throws {
        let media = try TestMedia()
        let path = try Self.clip(media)
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        defer { close(descriptor) }
        lseek(descriptor, 17, SEEK_SET)
        let video = try await decoder().sample(fileDescriptor: descriptor)
        #expect(lseek(descriptor, 0, SEEK_CUR) == 17)
        #expect(video == (try await decoder().sample(path: path)))
        #expect(video.frames.allSatisfy { $0.input.width == 224 && $0.input.height == 224 })
        #expect(video.frames.allSatisfy { $0.picture.width == 160 && $0.picture.height == 120 })
    }

    @Test func progressRises() async throws {
        let media = try TestMedia()
        let path = try media.make("long.mp4", TestMedia.source(frames: 200) + Self.x264)
        let seen = Mutex<[Double]>([])
        _ = try await decoder().sample(path: path) { fraction in seen.withLock { $0.append(fraction) } }
        let fractions = seen.withLock { $0 }
        #expect(fractions.count >= 5)
        #expect(fractions == fractions.sorted())
        #expect(fractions.allSatisfy { (0...1).contains($0) })
    }

    @Test func missingExecutable() async throws {
        let media = try TestMedia()
        let error = await refusal(of: try Self.clip(media), executable: media.path("nowhere"))
        #expect(error?.code == .decoderUnavailable)
        #expect(error?.disposition == .stop)
    }

    @Test(arguments: [
        ("kill -SEGV $$", VideoError.Code.decoderCrashed), ("kill -ABRT $$", .decoderCrashed), ("exit 1", .decoderCrashed),
        ("kill -KILL $$", .decoderKilled), ("kill -XCPU $$", .decodeTimeout), ("exit 0", .decoderProtocolError),
        ("echo 'Fatal error: allocation failed' >&2; kill -ABRT $$", .outOfMemory), ("exit 127", .decoderUnavailable),
        ("echo hello", .decoderProtocolError), ("head -c 9 >/dev/null; cat /dev/zero", .decoderProtocolError),
        ("exec >&-; exec sleep 60", .decoderProtocolError),
    ])
    func childThatFails(_ body: String, _ code: VideoError.Code) async throws {
        let media = try TestMedia()
        let error = await refusal(of: try Self.clip(media), executable: try Self.script(media, body))
        #expect(error?.code == code, "\(String(describing: error?.debugDescription))")
        let isGone = Self.areGone(media)
        #expect(isGone)
    }

    @Test func complaintsAreKeptAndBounded() async throws {
        let media = try TestMedia()
        let chatty = try Self.script(media, "head -c 3000000 /dev/zero | tr '\\0' x >&2; echo the-last-word >&2; exit 9")
        let error = await refusal(of: try Self.clip(media), executable: chatty)
        #expect(error?.code == .decoderCrashed)
        #expect(error?.detail.contains("the-last-word") == true)
        #expect((error?.detail.count ?? 0) <= 4_000)
    }

    /// What a child claims is held against what was asked of it.
    @Test(arguments: [
        "PROG\\377\\377\\377\\377", "FRAM\\2\\0\\0\\0{}", "DONE\\2\\0\\0\\0{}", "FAIL\\4\\0\\0\\0null",
        "PROG\\16\\0\\0\\0{\"fraction\":9}", "XXXX\\0\\0\\0\\0",
        "FAIL\\54\\0\\0\\0{\"code\":\"decoder_unavailable\",\"detail\":\"\"}",
    ])
    func childThatLies(_ record: String) async throws {
        let media = try TestMedia()
        let liar = try Self.script(media, "printf '\(record)'; exec sleep 60")
        let error = await refusal(of: try Self.clip(media), executable: liar)
        #expect(error?.code == .decoderProtocolError, "\(String(describing: error?.debugDescription))")
        let isGone = Self.areGone(media)
        #expect(isGone)
    }

    /// A crowded test run may resume this task late, so the proof is the file that a child not stopped in time would leave.
    @Test(arguments: [":", "trap '' TERM", "sleep 60 &", "exec 2>&-"])
    func childThatHangs(_ body: String) async throws {
        let media = try TestMedia()
        let path = try Self.clip(media), late = media.path("late")
        let hanging = try Self.script(media, "\(body)\nsleep 15\necho > \(late)\nsleep 60")
        let error = await refusal(of: path, limits: Self.limits(seconds: 0.5), executable: hanging)
        #expect(error?.code == .decodeTimeout)
        #expect(!FileManager.default.fileExists(atPath: late))
        let isGone = Self.areGone(media)
        #expect(isGone)
    }

    /// The real child is stopped inside a decode that would take much longer.
    @Test func deadlineStopsADecode() async throws {
        let media = try TestMedia()
        let path = try media.make(
            "slow.mp4", TestMedia.source(size: "1280x720", frames: 2500) + Self.x264 + ["-preset", "ultrafast"])
        let error = await refusal(of: path, limits: Self.limits(seconds: 0.3), executable: try Self.noted(media))
        #expect(error?.code == .decodeTimeout)
        let isGone = Self.areGone(media)
        #expect(isGone)
    }

    @Test func addressSpaceIsBounded() async throws {
        let media = try TestMedia()
        let path = try media.make("large.mkv", TestMedia.source(size: "4096x4096", frames: 3) + ["-c:v", "mjpeg"])
        var limits = DecoderLimits()
        limits.addressSpaceMegabytes = 160
        let error = await refusal(of: path, limits: limits, executable: try Self.noted(media))
        #expect(error?.code == .outOfMemory, "\(String(describing: error?.debugDescription))")
        let isGone = Self.areGone(media)
        #expect(isGone)
    }

    @Test func cancellationKillsTheChild() async throws {
        let media = try TestMedia()
        let path = try Self.clip(media)
        let slow = try Self.script(media, "exec sleep 60")
        let task = Task { await Self.code(of: path, executable: slow) }
        let deadline = ContinuousClock().now + .seconds(20)
        while Self.started(media).isEmpty && ContinuousClock().now < deadline { await Task.yield() }
        let isRunning = !Self.areGone(media)
        #expect(isRunning)
        task.cancel()
        #expect(await task.value == .cancelled)
        let isGone = Self.areGone(media)
        #expect(isGone)
    }

    @Test func cancelledBeforeItStarts() async throws {
        let media = try TestMedia()
        let path = try Self.clip(media)
        let slow = try Self.script(media, "exec sleep 60")
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            return await Self.code(of: path, executable: slow)
        }
        task.cancel()
        #expect(await task.value == .cancelled)
        let isGone = Self.started(media).allSatisfy { !FileManager.default.fileExists(atPath: "/proc/\($0)") }
        #expect(isGone)
    }

    @Test func manyAtOnceLeakNothing() async throws {
        let media = try TestMedia()
        let path = try Self.clip(media)
        let crashing = try Self.script(media, "kill -SEGV $$")
        let before = try Self.openDescriptors()
        await withTaskGroup(of: VideoError.Code?.self) { group in
            for index in 0..<60 {
                group.addTask { await Self.code(of: path, executable: index % 3 == 0 ? nil : crashing) }
                if index >= 6 { _ = await group.next() }
            }
        }
        let isGone = Self.areGone(media, count: 40)
        #expect(isGone)
        // Other suites open files meanwhile; a leak of one descriptor a call would be 60.
        let deadline = ContinuousClock().now + .seconds(20)
        var after = try Self.openDescriptors()
        while after > before + 30 && ContinuousClock().now < deadline {
            await Task.yield()
            after = try Self.openDescriptors()
        }
        #expect(after <= before + 30)
    }

    /// The child sees its clip, its pipes, and no secret of its parent.
    @Test func childInheritsNothing() async throws {
        let media = try TestMedia()
        let secret = open(try media.write("secret", "hunter3".utf8), O_RDONLY)
        defer { close(secret) }
        setenv("WHORL_TEST_SECRET", "hunter2", 1)
        let report = media.path("report")
        let spy = try Self.script(media, "readlink /proc/$$/fd/* > \(report); env >> \(report); exit 1")
        _ = await refusal(of: try Self.clip(media), executable: spy)
        let lines = String(decoding: try media.bytes("report"), as: UTF8.self).split(separator: "\n")
        #expect(!lines.contains { $0.contains("hunter2") || $0.hasSuffix("/secret") })
        #expect(lines.count { $0.hasSuffix("/clip.mp4") } == 1)
        #expect(lines.count { $0.hasPrefix("pipe:") } <= 3)
        #expect(lines.count { $0.contains("/memfd:whorl-frames") } == 1)
        let others = lines.filter { $0.hasPrefix("/") || $0.hasPrefix("socket:") || $0.hasPrefix("anon_inode:") }
        let areExpected = others.allSatisfy { line in ["/clip.mp4", "/decoder", "/report", "/memfd:whorl-frames (deleted)"].contains { line.hasSuffix($0) } }
        #expect(areExpected, "\(others)")
    }

    static func code(of path: String, executable: String?) async -> VideoError.Code? {
        do throws(VideoError) {
            _ = try await decoder(executable: executable).sample(path: path)
            return nil
        } catch {
            return error.code
        }
    }
}
