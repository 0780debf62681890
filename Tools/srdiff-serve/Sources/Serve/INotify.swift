import Glibc

/// Changes below a folder, as the kernel tells them. `next` waits on a thread of its own.
actor INotify {
    enum Change: Sendable {
        /// A file was closed after writing, or moved in.
        case file(String)
        /// A folder appeared.
        case folder(String)
        /// Changes were lost: look at everything again.
        case lost
    }

    private let executor = ThreadExecutor()
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
    private let descriptor: Int32
    private var folders: [Int32: String] = [:]

    private static let mask = UInt32(IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_ONLYDIR | IN_DONT_FOLLOW)

    init() throws {
        descriptor = inotify_init1(Int32(IN_CLOEXEC))
        guard descriptor >= 0 else { throw FileFailure("inotify") }
    }

    /// Watches a folder, not the folders in it. A folder that is gone is no error.
    func watch(_ folder: String) throws {
        let watch = inotify_add_watch(descriptor, folder, Self.mask)
        if watch >= 0 {
            folders[watch] = folder
        } else if errno == ENOSPC {
            throw ServeError("\(folder): too many folders to watch. Raise fs.inotify.max_user_watches.")
        }
    }

    /// Waits for changes.
    func next() throws -> [Change] {
        var bytes = [UInt8](repeating: 0, count: 64 << 10)
        var count = 0
        repeat { count = read(descriptor, &bytes, bytes.count) } while count < 0 && errno == EINTR
        guard count > 0 else { throw FileFailure("inotify") }
        var changes: [Change] = [], offset = 0
        let headSize = MemoryLayout<inotify_event>.size
        while offset + headSize <= count {
            let event = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: inotify_event.self) }
            let name = bytes[(offset + headSize)..<(offset + headSize + Int(event.len))].prefix { $0 != 0 }
            offset += headSize + Int(event.len)
            if event.mask & UInt32(IN_Q_OVERFLOW) != 0 { changes.append(.lost) }
            if event.mask & UInt32(IN_IGNORED) != 0 { folders[event.wd] = nil }
            guard !name.isEmpty, let folder = folders[event.wd], let text = String(validating: name, as: UTF8.self)
            else { continue }
            let isFolder = event.mask & UInt32(IN_ISDIR) != 0
            if isFolder {
                changes.append(.folder("\(folder)/\(text)"))
            } else if event.mask & UInt32(IN_CLOSE_WRITE | IN_MOVED_TO) != 0 {
                changes.append(.file("\(folder)/\(text)"))
            }
        }
        return changes
    }
}
