import Glibc

/// A file that could not be read or written: which one and why, in words for a user.
public struct FileError: Error, Equatable, CustomStringConvertible, Sendable {
    public enum Action: String, Sendable { case read, write }

    public enum Reason: Equatable, Sendable {
        case missing, directory, notARegularFile, denied, empty
        /// Anything else: the system's `errno`.
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

    init(_ action: Action, _ path: String, errno code: Int32) {
        let reason: Reason = switch code {
        case ENOENT, ENOTDIR: .missing
        case EISDIR: .directory
        case EACCES, EPERM, EROFS: .denied
        default: .system(code: code)
        }
        self.init(action, path, reason)
    }

    public var description: String { "cannot \(action.rawValue) \(path): \(why)" }

    private var why: String {
        switch reason {
        case .missing: action == .read ? "no such file" : "no such folder"
        case .directory: "it is a folder"
        case .notARegularFile: "it is not a regular file"
        case .denied: "permission denied"
        case .empty: "the file is empty"
        case .system(let code): String(cString: strerror(code))
        }
    }
}
