import Glibc
import SRDFile
import Synchronization

/// Standard output and standard error.
public enum Terminal: Int32, Sendable {
    /// For results.
    case output = 1
    /// For progress, notes and errors.
    case error = 2

    public var isInteractive: Bool { isatty(rawValue) == 1 }

    public func line(_ text: String) { write(Array((text + "\n").utf8)) }

    /// Writes to the end. A failure of standard output is kept in `outputFailure`; one of standard error has no one
    /// left to tell.
    public func write(_ bytes: [UInt8]) {
        do throws(FileError) {
            try FileOutput.write([bytes], toDescriptor: rawValue, path: "standard output")
        } catch {
            if self == .output { Self.failure.withLock { $0 = $0 ?? error } }
        }
    }

    private static let failure = Mutex<FileError?>(nil)

    /// Why results could not be printed, such as a full disk; nil if they were.
    static var outputFailure: FileError? { failure.withLock { $0 } }
}
