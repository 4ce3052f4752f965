import CFuzzDriver
import Detector
import Glibc

/// `O_TMPFILE | O_RDWR`, which Swift does not see: a file without a name.
private let namelessFile: Int32 = 0o20_200_000 | O_RDWR

/// A file in memory that the readers open by its path.
private let file: (descriptor: Int32, path: String) = {
    let descriptor = open("/dev/shm", namelessFile, 0o600)
    precondition(descriptor >= 0, "no file: errno \(errno)")
    return (descriptor, "/proc/self/fd/\(descriptor)")
}()

// libFuzzer also brings a main of its own, which looks for this name.
/// Any checkpoint is read or refused.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzCheckpoints(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    guard let data else { return 0 }
    precondition(ftruncate(file.descriptor, 0) == 0 && pwrite(file.descriptor, data, size, 0) == size, "the file is not written")
    do throws(CheckpointError) {
        _ = try CheckpointImporter.read(path: file.path, options: .init(headSeed: 1))
    } catch {
        precondition(!"\(error)".isEmpty)
    }
    do throws(CheckpointError) {
        _ = try Checkpoint.open(path: file.path)
    } catch {
        precondition(!"\(error)".isEmpty)
    }
    return 0
}

var argumentCount = CommandLine.argc
var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
exit(LLVMFuzzerRunDriver(&argumentCount, &arguments, fuzzCheckpoints))
