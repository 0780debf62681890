import Glibc

/// A file's bytes, read-only and in place: pages come from the disk as they are touched and may leave memory again.
public final class MappedFile: @unchecked Sendable {     // nothing changes after init
    public let path: String
    private let bytes: UnsafeRawBufferPointer
    private let mapping: UnsafeMutableRawPointer, mappedCount: Int
    private let isFile: Bool

    /// Maps a regular, non-empty file. The file must not shrink while it is mapped.
    public init(path: String) throws(FileError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)     // a named pipe must not make us wait
        guard descriptor >= 0 else { throw FileError(.read, path, errno: errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw FileError(.read, path, errno: errno) }
        switch status.st_mode & S_IFMT {
        case S_IFREG: break
        case S_IFDIR: throw FileError(.read, path, .directory)
        default: throw FileError(.read, path, .notARegularFile)
        }
        let count = Int(status.st_size)
        guard count > 0 else { throw FileError(.read, path, .empty) }
        guard let start = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), start != MAP_FAILED else {
            throw FileError(.read, path, errno: errno)
        }
        self.path = path
        isFile = true
        mapping = start
        mappedCount = count
        bytes = UnsafeRawBufferPointer(start: start, count: count)
    }

    /// Bytes that came another way (standard input, a test), as if they were a file called `path`.
    ///
    /// They end where an unreadable page begins: whatever reads too far faults at once, here as at a real file's end.
    public init(copying contents: some Collection<UInt8>, path: String) throws(FileError) {
        let page = sysconf(Int32(_SC_PAGESIZE))
        let room = (contents.count + page - 1) / page * page
        guard let start = mmap(nil, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), start != MAP_FAILED else {
            throw FileError(.read, path, errno: errno)
        }
        let target = UnsafeMutableRawBufferPointer(start: start + (room - contents.count), count: contents.count)
        target.copyBytes(from: contents)
        mprotect(start, room, PROT_READ)
        mprotect(start + room, page, PROT_NONE)
        self.path = path
        isFile = false
        mapping = start
        mappedCount = room + page
        bytes = UnsafeRawBufferPointer(target)
    }

    public var count: Int { bytes.count }

    /// The pointer is valid as long as this lives: at least inside `body`, though that be its last use.
    public func withBytes<Result, Failure>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        defer { withExtendedLifetime(self) {} }
        return try body(bytes)
    }

    /// Lets the whole pages in a range leave memory; they come from the disk again when they are touched.
    public func evict(_ range: Range<Int>) {
        guard isFile else { return }
        let page = sysconf(Int32(_SC_PAGESIZE))
        let first = (range.lowerBound + page - 1) / page * page, end = range.upperBound / page * page
        if first < end { madvise(mapping + first, end - first, MADV_DONTNEED) }
    }

    deinit { munmap(mapping, mappedCount) }
}
