import Foundation

/// A file that a command writes.
struct OutputFile {
    let path: String

    /// Refuses early what could not be written late.
    func check(force: Bool) throws(CommandFailure) {
        var information = stat()
        guard stat(path, &information) == 0 else { return }
        if information.st_mode & S_IFMT != S_IFREG {
            throw CommandFailure(.failure, code: "output_exists", "it is no regular file and is not replaced").about(path)
        }
        if !force { throw CommandFailure(.failure, code: "output_exists", "it exists already; --force overwrites it").about(path) }
    }
}
