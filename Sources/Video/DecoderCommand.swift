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

    /// Reads the order from standard input.
    package static func readOrder() -> DecoderOrder? {
        guard let header = readInput(4) else {
            complain("there is no order")
            return nil
        }
        let size = header.reversed().reduce(0) { $0 << 8 | Int($1) }
        guard size <= DecoderOrder.maxBytes, let json = readInput(size) else {
            complain("the order is cut short, or \(size) bytes long")
            return nil
        }
        do {
            let order = try JSONDecoder().decode(DecoderOrder.self, from: Data(json))
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

    /// Exactly `count` bytes from standard input; nil when it ends before.
    private static func readInput(_ count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let got = bytes.withUnsafeMutableBytes { read(STDIN_FILENO, $0.baseAddress.map { $0 + filled }, count - filled) }
            if got < 0 && errno == EINTR { continue }
            guard got > 0 else { return nil }
            filled += got
        }
        return bytes
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

    /// Shuts this process in, samples the clip and writes the answer to standard output.
    package static func answer(_ order: DecoderOrder) -> ExitCode {
        let outlet: FrameOutlet
        let sampler: VideoSampler
        do throws(VideoError) {
            outlet = try FrameOutlet(order)
            sampler = try VideoSampler(descriptor: DecoderOrder.clipDescriptor, request: order.request, limits: order.limits)
        } catch {
            return send(.failure, error) ? .refused : .unwritable
        }
        do {
            try DecoderJail.enter()
        } catch {
            complain("\(error)")
            return .notConfined
        }
        LibavLog.install()
        do throws(VideoError) {
            let done = try sampler.run(into: outlet)
            return send(.done, done) ? .answered : .unwritable
        } catch {
            return send(.failure, error) ? .refused : .unwritable
        }
    }

    /// Writes a line for the parent's logs.
    package static func complain(_ text: String) {
        _ = writeAll(STDERR_FILENO, Array("whorl-decoder: \(text)\n".utf8))
    }

    /// Writes a record to the parent, all of it; false when there is nobody to read it.
    static func send(_ kind: DecoderRecord.Kind, _ message: some Encodable) -> Bool {
        do {
            return writeAll(STDOUT_FILENO, try DecoderRecord.encode(kind, message))
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
