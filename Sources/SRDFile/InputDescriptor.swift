import Glibc

/// A regular file that is open for reading, and that must stay as it was when it was opened.
final class InputDescriptor: Sendable {
    let path: String
    /// The size in bytes when the file was opened.
    let count: Int
    let descriptor: Int32
    private let opened: Version

    /// What changes when somebody writes to the file or truncates it.
    private struct Version: Equatable {
        let size: Int, modified: Int, modifiedNanoseconds: Int, changed: Int, changedNanoseconds: Int

        init(_ status: stat) {
            size = Int(status.st_size)
            modified = Int(status.st_mtim.tv_sec)
            modifiedNanoseconds = Int(status.st_mtim.tv_nsec)
            changed = Int(status.st_ctim.tv_sec)
            changedNanoseconds = Int(status.st_ctim.tv_nsec)
        }
    }

    /// Opens a regular, non-empty file.
    init(path: String) throws(FileError) {
        var descriptor: Int32
        repeat {  // O_NONBLOCK: a named pipe must not make us wait
            descriptor = path.withPath { open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
        } while descriptor < 0 && errno == EINTR
        guard descriptor >= 0 else { throw FileError(.read, path, errno: errno) }
        var status = stat(), reason: FileError.Reason?
        if fstat(descriptor, &status) != 0 {
            reason = .system(code: errno)
        } else if status.st_mode & S_IFMT == S_IFDIR {
            reason = .directory
        } else if status.st_mode & S_IFMT != S_IFREG {
            reason = .notARegularFile
        } else if status.st_size == 0 {
            reason = .empty
        }
        if let reason {
            close(descriptor)
            throw FileError(.read, path, reason)
        }
        self.path = path
        self.descriptor = descriptor
        count = Int(status.st_size)
        opened = Version(status)
    }

    deinit { close(descriptor) }

    /// Whether size and times of modification are those of the opened file.
    var isUnchanged: Bool {
        var status = stat()
        return fstat(descriptor, &status) == 0 && Version(status) == opened
    }

    func checkUnchanged() throws(FileError) {
        guard isUnchanged else { throw FileError(.read, path, .changed) }
    }

    /// Fills `buffer` with the bytes from `offset` on. Throws if the file ends before, or was changed meanwhile.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(FileError) {
        var done = 0
        while done < buffer.count {
            let found = pread(
                descriptor, buffer.baseAddress! + done, min(buffer.count - done, 1 << 30), off_t(offset + done))
            if found < 0 && errno == EINTR { continue }
            guard found >= 0 else { throw FileError(.read, path, errno: errno) }
            guard found > 0 else { throw FileError(.read, path, .changed) }
            done += found
        }
        try checkUnchanged()
    }
}
