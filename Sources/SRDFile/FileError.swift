import Glibc

/// A file that could not be read or written: which one and why, in words for a user.
public struct FileError: Error, Equatable, CustomStringConvertible, Sendable {
    public enum Action: String, Sendable { case read, write }

    public enum Reason: Equatable, Sendable {
        case missing, directory, notARegularFile, denied, empty
        /// The file system is mounted read-only.
        case readOnly
        /// The file was truncated, extended or rewritten between opening and the end of reading.
        case changed
        /// No space left on the device, or the disk quota is used up.
        case full
        /// The file would exceed the limit of the process (`ulimit -f`) or of the file system.
        case tooLarge
        case outOfMemory
        /// Any other `errno`.
        case system(code: Int32)
    }

    public let action: Action
    public let path: String
    public let reason: Reason

    public init(_ action: Action, _ path: String, _ reason: Reason) {
        self.action = action
        self.path = path
        self.reason = reason
    }

    /// The error of a system call on `path` that failed with `errno`.
    public init(_ action: Action, _ path: String, errno code: Int32) {
        let reason: Reason =
            switch code {
            case ENOENT, ENOTDIR: .missing
            case EISDIR: .directory
            case EACCES, EPERM: .denied
            case EROFS: .readOnly
            case ENOSPC, EDQUOT: .full
            case EFBIG: .tooLarge
            case ENOMEM: .outOfMemory
            default: .system(code: code)
            }
        self.init(action, path, reason)
    }

    public var description: String { "cannot \(action.rawValue) \(path.printable(limit: 4096)): \(why)" }

    private var why: String {
        switch reason {
        case .missing: action == .read ? "no such file" : "no such folder"
        case .directory: "it is a folder"
        case .notARegularFile: "it is not a regular file"
        case .denied: "permission denied"
        case .empty: "the file is empty"
        case .readOnly: "the file system is read-only"
        case .changed: "the file was changed while being read"
        case .full: "no space left on the device"
        case .tooLarge: "the file would exceed the size limit of this process or file system"
        case .outOfMemory: "out of memory"
        case .system(let code): String(cString: strerror(code))
        }
    }
}
