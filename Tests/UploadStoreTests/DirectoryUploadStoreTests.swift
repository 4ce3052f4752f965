import Crypto
import Foundation
import JobModel
import Testing
import UploadStore

@Suite struct DirectoryUploadStoreTests {
    private func with(_ body: (DirectoryUploadStore, String) async throws -> Void) async throws {
        let root = NSTemporaryDirectory() + "/uploads-" + UUID().uuidString
        let store = try DirectoryUploadStore(root: root)
        try await body(store, root)
        try FileManager.default.removeItem(atPath: root)
    }

    private func files(_ root: String) throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: root).filter { path in
            var isDirectory: ObjCBool = false
            _ = FileManager.default.fileExists(atPath: root + "/" + path, isDirectory: &isDirectory)
            return !isDirectory.boolValue
        }
    }

    @Test func anUploadIsVisibleWhenItIsFinished() async throws {
        try await with { store, root in
            let writer = try await store.begin(.make())
            try await writer.write(Array("hello ".utf8))
            #expect(try files(root).allSatisfy { $0.hasPrefix("incoming/") })
            try await writer.write(Array("world".utf8))
            let stored = try await writer.finish()
            #expect(stored.bytes == 11)
            // SHA-256 of "hello world", as sha256sum prints it.
            #expect(stored.sha256 == "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9")
            #expect(try files(root) == [stored.key])
            let descriptor = try await store.open(key: stored.key)
            let read = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true).readDataToEndOfFile()
            #expect(read == Data("hello world".utf8))
            try await store.remove(key: stored.key)
            try await store.remove(key: stored.key)
            #expect(try files(root).isEmpty)
        }
    }

    @Test func anAbortedUploadLeavesNothing() async throws {
        try await with { store, root in
            let writer = try await store.begin(.make())
            try await writer.write([1, 2, 3])
            await writer.abort()
            await writer.abort()
            #expect(try files(root).isEmpty)
        }
    }

    @Test func aFinishedUploadSurvivesAnAbort() async throws {
        try await with { store, root in
            let writer = try await store.begin(.make())
            try await writer.write([1])
            let stored = try await writer.finish()
            await writer.abort()
            #expect(try files(root) == [stored.key])
        }
    }

    @Test(arguments: ["", "x", "../etc/passwd", "aa/../../etc/passwd", "ab/018bcfe5-6801-7000-8000-0000000000aa", "/etc/passwd"])
    func aKeyThatWasNeverGivenOutIsRefused(key: String) async throws {
        try await with { store, _ in
            await #expect(throws: UploadError.malformedKey) { try await store.open(key: key) }
            await #expect(throws: UploadError.malformedKey) { try await store.remove(key: key) }
        }
    }

    @Test func aMissingUploadIsNamed() async throws {
        try await with { store, _ in
            let key = "aa/018bcfe5-6801-7000-8000-0000000000aa"
            await #expect(throws: UploadError.missing(key: key)) { try await store.open(key: key) }
        }
    }

    @Test func whatAKilledGatewayLeftIsFoundAndRemoved() async throws {
        try await with { store, root in
            let id = JobID.make()
            let path = root + "/incoming/\(id)"
            #expect(FileManager.default.createFile(atPath: path, contents: Data([1])))
            #expect(try await store.unfinished(olderThanSeconds: 3600).isEmpty)
            try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSinceNow: -7200)], ofItemAtPath: path)
            #expect(try await store.unfinished(olderThanSeconds: 3600) == [UploadKey.make(id)])
            try await store.discard(unfinished: UploadKey.make(id))
            try await store.discard(unfinished: UploadKey.make(id))
            #expect(try files(root).isEmpty)
        }
    }

    @Test func anUploadGoesOnWhereItsCheckpointLeftIt() async throws {
        try await with { store, root in
            let writer = try await store.begin(.make())
            try await writer.write(Array("hello ".utf8))
            let checkpoint = try await writer.suspend()
            #expect(checkpoint.bytes == 6)
            // What comes after the checkpoint and before the next is dropped.
            let lost = try await store.resume(checkpoint)
            try await lost.write(Array("nobody".utf8))
            #expect(try await lost.checkpoint().bytes == 12)
            let next = try await store.resume(checkpoint)
            try await next.write(Array("world".utf8))
            let last = try await next.suspend()
            #expect(last.bytes == 11)
            let stored = try await store.resume(last).finish()
            #expect(stored.bytes == 11)
            #expect(stored.sha256 == "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9")
            #expect(try files(root) == [stored.key])
            // A gateway that dies right here finds it finished.
            #expect(try await store.resume(last).finish() == stored)
        }
    }

    /// Past the first megabytes bytes go to the disk by another way, where the file system has it.
    @Test(arguments: ["/var/tmp", "/dev/shm"]) func aLargeUploadComesWhole(place: String) async throws {
        let root = place + "/uploads-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: root) }
        let store = try DirectoryUploadStore(root: root)
        var generator = SystemRandomNumberGenerator()
        let clip = Data((0..<2_700_000).flatMap { _ in withUnsafeBytes(of: generator.next(), Array.init) }) + [1, 2, 3]
        // Lengths that fill nothing exactly, and an end in the middle of a block.
        let ends = Array(stride(from: 0, to: clip.count, by: 99_991)) + [clip.count]
        let digest = SHA256.hash(data: clip).map { String(format: "%02x", $0) }.joined()
        for pauseAt in [nil, 3, 130] {
            var writer = try await store.begin(.make())
            for (number, (start, end)) in zip(ends, ends.dropFirst()).enumerated() {
                if number == pauseAt { writer = try await store.resume(writer.suspend()) }
                try await writer.write(Array(clip[start..<end]))
            }
            let stored = try await writer.finish()
            #expect(stored.sha256 == digest)
            #expect(stored.bytes == clip.count)
            #expect(try Data(contentsOf: URL(fileURLWithPath: root + "/" + stored.key)) == clip)
        }
    }

    @Test func aCheckpointWithoutItsBytesIsMissing() async throws {
        try await with { store, _ in
            let checkpoint = UploadCheckpoint(key: UploadKey.make(.make()), bytes: 3)
            await #expect(throws: UploadError.missing(key: checkpoint.key)) { try await store.resume(checkpoint) }
            let writer = try await store.begin(.make())
            try await writer.write([1, 2])
            var longer = try await writer.suspend()
            longer.bytes = 3
            await #expect(throws: UploadError.missing(key: longer.key)) { try await store.resume(longer) }
            await #expect(throws: UploadError.malformedKey) { try await store.resume(UploadCheckpoint(key: "../x", bytes: 1)) }
        }
    }

    @Test func oldKeysOfAFolderAreListed() async throws {
        try await with { store, root in
            let writer = try await store.begin(.make())
            try await writer.write([1])
            let key = try await writer.finish().key
            let folder = try #require(Int(key.prefix(2), radix: 16))
            #expect(try await store.keys(inFolder: folder, olderThanSeconds: 3600).isEmpty)
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSinceNow: -7200)], ofItemAtPath: root + "/" + key)
            #expect(try await store.keys(inFolder: folder, olderThanSeconds: 3600) == [key])
            #expect(try await store.keys(inFolder: folder + 1, olderThanSeconds: 3600).isEmpty)
        }
    }

    @Test func aFullDiskIsSaidSoAndLeavesNothing() async throws {
        try await withSmallFileSystem { store, root in
            let writer = try await store.begin(.make())
            await #expect(throws: UploadError.noSpace) {
                for _ in 0..<64 { try await writer.write([UInt8](repeating: 1, count: 65_536)) }
            }
            await #expect(throws: UploadError.noSpace) { _ = try await writer.finish() }
            await writer.abort()
            #expect(try files(root).isEmpty)
        }
    }

    @Test func whatComesAfterALostLotDoesNotTakeItsPlace() async throws {
        try await withSmallFileSystem { store, root in
            var writer = try await store.begin(.make())
            let clip = (0..<(4 << 20)).map { UInt8(truncatingIfNeeded: $0 >> 16) }
            var start = 0
            await #expect(throws: UploadError.noSpace) {
                while start < clip.count {
                    try await writer.write(Array(clip[start..<start + 65_536]))
                    start += 65_536
                }
            }
            // There is room again, and a client that goes on regardless.
            #expect(run("/bin/mount", ["-o", "remount,size=16m", root]) == 0)
            await #expect(throws: UploadError.noSpace) { try await writer.write([255, 255]) }
            let checkpoint = try await writer.suspend()
            #expect(checkpoint.bytes <= 1 << 20)
            writer = try await store.resume(checkpoint)
            try await writer.write(Array(clip[Int(checkpoint.bytes)...]))
            let key = try await writer.finish().key
            #expect(try Data(contentsOf: URL(fileURLWithPath: root + "/" + key)) == Data(clip))
        }
    }

    /// A store in a file system of its own with a megabyte of room; mounting it takes root.
    private func withSmallFileSystem(_ body: (DirectoryUploadStore, String) async throws -> Void) async throws {
        guard getuid() == 0 else { return }
        let root = NSTemporaryDirectory() + "/small-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        guard run("/bin/mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", root]) == 0 else { return }
        try await body(try DirectoryUploadStore(root: root), root)
        #expect(run("/bin/umount", [root]) == 0)
        try FileManager.default.removeItem(atPath: root)
    }

    private func run(_ program: String, _ arguments: [String]) -> Int32 {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        do {
            try process.run()
        } catch {
            return -1
        }
        process.waitUntilExit()
        return process.terminationStatus
    }
}
