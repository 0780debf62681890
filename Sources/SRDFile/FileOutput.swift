import Glibc
import Synchronization

/// Writes files so that they appear complete or not at all: under a temporary name in the same folder, then renamed.
public enum FileOutput {
    /// Writes the chunks one after another to `path`, replacing a regular file that is there.
    ///
    /// File and folder are synchronized with the disk before this returns. On failure, and when
    /// `PartialFiles.unlinkAll` runs, `path` is as it was and no temporary file remains. Temporary files that killed
    /// processes of this machine left in the folder are removed.
    public static func write(atomically chunks: some Sequence<[UInt8]>, to path: String) throws(FileError) {
        do {
            try write(atomicallyTo: path) { write in
                for chunk in chunks { try write(chunk) }
            }
        } catch let error as FileError {
            throw error
        } catch {
            preconditionFailure("\(error)")  // nothing else is thrown above
        }
    }

    /// Writes to `path` what `body` passes to its argument, chunk by chunk, in the same way. Throws `FileError` and
    /// what `body` throws.
    public static func write(
        atomicallyTo path: String, _ body: (_ write: ([UInt8]) throws(FileError) -> Void) throws -> Void
    ) throws {
        let mode = try modeOfReplaceable(path)
        cleanOnce(folder(of: path))
        let partial = try PartialFile(for: path)
        do {
            try body { chunk throws(FileError) in try write([chunk], toDescriptor: partial.descriptor, path: path) }
            if let mode { fchmod(partial.descriptor, mode) }
            try partial.synchronize()
            try partial.rename()
        } catch {
            partial.discard()
            throw error
        }
        try synchronizeFolder(of: path)
    }

    /// Throws the error that writing to `path` would give now: a missing folder, no permission, a name that is too
    /// long.
    ///
    /// Creates a temporary file and removes it. To be called before hours of work.
    public static func check(_ path: String) throws(FileError) {
        _ = try modeOfReplaceable(path)
        try PartialFile(for: path).discard()
    }

    /// Writes the chunks to a descriptor that is open: standard output, a pipe, a device.
    ///
    /// - Parameter path: what the descriptor is, for the error.
    public static func write(_ chunks: some Sequence<[UInt8]>, toDescriptor descriptor: Int32, path: String)
        throws(FileError)
    {
        for chunk in chunks {
            var position = 0
            while position < chunk.count {
                let written = chunk.withUnsafeBytes {
                    Glibc.write(descriptor, $0.baseAddress! + position, $0.count - position)
                }
                if written >= 0 {
                    position += written
                } else if errno == EAGAIN {  // a pipe or terminal in non-blocking mode
                    var events = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    poll(&events, 1, -1)
                } else if errno != EINTR {
                    throw FileError(.write, path, errno: errno)
                }
            }
        }
    }

    /// Removes the temporary files in a folder whose processes have ended. Returns their number.
    ///
    /// Only files named as `write` names them, made by this machine and locked by no one, are removed.
    @discardableResult
    public static func removeStaleFiles(in folder: String) -> Int {
        guard let handle = (folder.isEmpty ? "." : folder).withPath({ opendir($0) }) else { return 0 }
        defer { closedir(handle) }
        let parent = dirfd(handle)
        var removed = 0
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                tuple.withMemoryRebound(to: CChar.self, capacity: 256) { String(path: $0) }
            }
            guard PartialName(name.pathBytes)?.isStale == true else { continue }
            let descriptor = name.withPath { openat(parent, $0, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) }
            guard descriptor >= 0 else { continue }
            defer { close(descriptor) }
            var status = stat()
            guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
            // Another container may share name and folder, but not the process numbers: its writer holds the lock.
            guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK else { continue }
            if name.withPath({ unlinkat(parent, $0, 0) }) == 0 { removed += 1 }
        }
        return removed
    }

    private static let cleaned = Mutex<Set<[UInt8]>>([])

    /// A folder may hold a hundred thousand files, so it is looked through once.
    private static func cleanOnce(_ folder: String) {
        let isNew = cleaned.withLock { cleaned in
            if cleaned.count > 1000 { cleaned.removeAll() }
            return cleaned.insert(folder.pathBytes).inserted
        }
        if isNew { removeStaleFiles(in: folder) }
    }

    /// The permissions of the file that would be replaced; nil if there is none. Throws if `path` is no regular file: a
    /// rename would put a regular file in the place of a device, a pipe or `/dev/null`.
    private static func modeOfReplaceable(_ path: String) throws(FileError) -> mode_t? {
        var status = stat()
        guard path.withPath({ stat($0, &status) }) == 0 else {
            if errno == ENOENT { return nil }
            throw FileError(.write, path, errno: errno)
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return status.st_mode & 0o777
        case S_IFDIR: throw FileError(.write, path, .directory)
        default: throw FileError(.write, path, .notARegularFile)
        }
    }

    /// Without the name; "" for a path without "/".
    private static func folder(of path: String) -> String {
        let bytes = path.pathBytes
        return String(pathBytes: bytes[..<(bytes.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0)])
    }

    /// Makes the rename last through a power failure.
    private static func synchronizeFolder(of path: String) throws(FileError) {
        let folder = folder(of: path)
        let descriptor = (folder.isEmpty ? "." : folder).withPath { open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard descriptor >= 0 else { return }  // a folder one may write to but not read
        defer { close(descriptor) }
        while fsync(descriptor) != 0 {
            if errno == EINTR { continue }
            if errno == EIO || errno == ENOSPC || errno == EDQUOT { throw FileError(.write, path, errno: errno) }
            return  // file systems that cannot synchronize a folder
        }
    }
}

/// The temporary file of one output.
private struct PartialFile {
    let descriptor: Int32
    private let target: String, path: String
    private let slot: Int?

    init(for target: String) throws(FileError) {
        var attempt = 0
        while true {
            let path = PartialName.path(for: target, attempt: attempt)
            let descriptor = path.withPath { open($0, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666) }
            if descriptor >= 0 {
                self.descriptor = descriptor
                self.target = target
                self.path = path
                slot = PartialFiles.insert(path)
                flock(descriptor, LOCK_EX | LOCK_NB)  // see removeStaleFiles
                return
            }
            if errno == EINTR { continue }
            guard errno == EEXIST, attempt < 64 else { throw FileError(.write, target, errno: errno) }
            attempt += 1
        }
    }

    func synchronize() throws(FileError) {
        while fsync(descriptor) != 0 {
            if errno == EINTR { continue }
            if errno == EINVAL || errno == ENOTSUP { return }
            throw FileError(.write, target, errno: errno)
        }
    }

    func rename() throws(FileError) {
        let code = path.withPath { from in target.withPath { to in Glibc.rename(from, to) } }
        guard code == 0 else { throw FileError(.write, target, errno: errno) }
        PartialFiles.remove(slot)
        close(descriptor)
    }

    func discard() {
        _ = path.withPath { unlink($0) }
        PartialFiles.remove(slot)
        close(descriptor)
    }
}
