import FoundationEssentials
import Glibc

/// What the decoder child does between its start and its end.
package enum DecoderCommand {
    /// Exit codes of the child; the parent reads the answer and needs them only when there is none.
    package enum ExitCode: Int32 {
        /// The frames were written.
        case answered = 0
        /// The error was written.
        case refused = 3
        /// The order could not be read, or its version is another.
        case badOrder = 2
        /// The limits could not be set.
        case notConfined = 4
        /// The answer could not be written.
        case unwritable = 5
    }

    /// Reads the order from standard input: at most 64 kB, to the end.
    package static func readOrder() -> DecoderOrder? {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while bytes.count <= DecoderRecord.maxMessageBytes {
            let got = read(STDIN_FILENO, &chunk, chunk.count)
            if got < 0 && errno == EINTR { continue }
            if got <= 0 { break }
            bytes.append(contentsOf: chunk[0..<got])
        }
        do {
            let order = try JSONDecoder().decode(DecoderOrder.self, from: Data(bytes))
            guard order.version == DecoderOrder.currentVersion else {
                complain("the order's version is \(order.version), not \(DecoderOrder.currentVersion)")
                return nil
            }
            return order
        } catch {
            complain("the order cannot be read: \(error)")
            return nil
        }
    }

    /// Sets the limits of this process for good, before the first byte of the clip is read.
    package static func confine(to limits: DecoderLimits) -> Bool {
        let bytes = rlim_t(limits.addressSpaceMegabytes) << 20
        let wanted: [(name: String, resource: __rlimit_resource, value: rlim_t, hardValue: rlim_t)] = [
            ("address space", RLIMIT_AS, bytes, bytes),
            // SIGXCPU comes at the soft limit and says what happened; at the hard one it is a bare SIGKILL.
            ("processor time", RLIMIT_CPU, rlim_t(limits.cpuSeconds), rlim_t(limits.cpuSeconds) + 2),
            ("open files", RLIMIT_NOFILE, rlim_t(limits.openFiles), rlim_t(limits.openFiles)),
            ("file size", RLIMIT_FSIZE, 0, 0), ("core", RLIMIT_CORE, 0, 0),
        ]
        for (name, resource, value, hardValue) in wanted {
            var limit = rlimit(rlim_cur: value, rlim_max: hardValue)
            if setrlimit(__rlimit_resource_t(resource.rawValue), &limit) != 0 {
                complain("the limit on \(name) cannot be set: errno \(errno)")
                return false
            }
        }
        errno = 0
        if nice(Int32(limits.niceness)) == -1 && errno != 0 { complain("nice: errno \(errno)") }
        return true
    }

    /// Samples the clip and writes the answer to standard output.
    package static func answer(_ order: DecoderOrder) -> ExitCode {
        LibavLog.install()
        var lastReported = 0.0
        do throws(VideoError) {
            let sampler = try VideoSampler(
                descriptor: DecoderOrder.clipDescriptor, request: order.request, limits: order.limits)
            let video = try sampler.run { fraction in
                guard fraction - lastReported >= 0.02 else { return }
                lastReported = fraction
                // A parent that does not read ends this process with SIGPIPE; a lost report costs nothing else.
                _ = write(.progress, DecoderRecord.Progress(fraction: fraction))
            }
            return write(video) ? .answered : .unwritable
        } catch {
            return write(.failure, error) ? .refused : .unwritable
        }
    }

    /// Writes a line for the parent's logs.
    package static func complain(_ text: String) {
        _ = writeAll(STDERR_FILENO, Array("whorl-decoder: \(text)\n".utf8))
    }

    private static func write(_ video: SampledVideo) -> Bool {
        guard write(.info, DecoderRecord.Info(info: video.info, warnings: video.warnings)) else { return false }
        for frame in video.frames {
            let claim = DecoderRecord.Frame(
                index: frame.index, frameNumber: frame.frameNumber, timestampSeconds: frame.timestampSeconds,
                inputWidth: frame.input.width, inputHeight: frame.input.height, pictureWidth: frame.picture.width,
                pictureHeight: frame.picture.height)
            guard write(.frame, claim, pixels: [frame.input.pixels, frame.picture.pixels]) else { return false }
        }
        return write(.done, [String: Int]())
    }

    private static func write(_ kind: DecoderRecord.Kind, _ message: some Encodable, pixels: [[UInt8]] = []) -> Bool {
        do {
            let pixelBytes = pixels.reduce(0) { $0 + $1.count }
            guard writeAll(STDOUT_FILENO, try DecoderRecord.encode(kind, message, pixelBytes: pixelBytes)) else {
                return false
            }
            return pixels.allSatisfy { writeAll(STDOUT_FILENO, $0) }
        } catch {
            complain("\(kind.rawValue) cannot be encoded: \(error)")
            return false
        }
    }

    private static func writeAll(_ descriptor: Int32, _ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { buffer in
            var rest = buffer[...]
            while !rest.isEmpty {
                let written = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if written < 0 && errno == EINTR { continue }
                if written <= 0 { return false }
                rest = rest.dropFirst(written)
            }
            return true
        }
    }
}
