import Glibc

/// A TCP port on which the kernel accepts connections and nobody ever answers.
public struct SilentListener: ~Copyable {
    /// On 127.0.0.1.
    public let port: UInt16
    private let descriptor: Int32

    /// - Throws: when the system has no free port.
    public init() throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(descriptor, generic, size) == 0 && listen(descriptor, 16) == 0
                    && getsockname(descriptor, generic, &size) == 0
            }
        }
        guard isListening else { throw NoFreePort() }
        self.descriptor = descriptor
        port = UInt16(bigEndian: address.sin_port)
    }

    /// Stops listening. To be called last, so that the listener lives until then.
    public consuming func stop() {}

    deinit { close(descriptor) }
}

/// The system gives no port to listen on.
public struct NoFreePort: Error {}
