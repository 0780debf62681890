import Glibc
import Synchronization

/// Files appear whole or not at all: written aside, then renamed.
public enum FileOutput {
    /// Writes the chunks one after another to `path`, replacing a regular file that is there.
    ///
    /// On failure, and when `PartialFiles.unlinkAll` runs, `path` is as it was and nothing is left beside it.
    public static func write(atomically chunks: some Sequence<[UInt8]>, to path: String) throws(FileError) {
        try refuseUnlessReplaceable(path)
        let (descriptor, partial, slot) = try createPartialFile(for: path)
        defer { PartialFiles.remove(slot) }
        do throws(FileError) {
            defer { close(descriptor) }
            for chunk in chunks { try write(chunk, to: descriptor, path) }
            guard fsync(descriptor) == 0 else { throw FileError(.write, path, errno: errno) }
            guard rename(partial, path) == 0 else { throw FileError(.write, path, errno: errno) }
        } catch {
            unlink(partial)
            throw error
        }
    }

    /// A rename would put a plain file in the place of a device, a pipe or `/dev/null`.
    private static func refuseUnlessReplaceable(_ path: String) throws(FileError) {
        var status = stat()
        guard stat(path, &status) == 0 else { return }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return
        case S_IFDIR: throw FileError(.write, path, .directory)
        default: throw FileError(.write, path, .notARegularFile)
        }
    }

    /// `NAME.PID.partial`, or `NAME.PID-1.partial` … where a killed process of the same number left one behind.
    private static func createPartialFile(for path: String) throws(FileError) -> (descriptor: Int32, path: String, slot: Int?) {
        for attempt in 0..<16 {
            let partial = "\(path).\(getpid())\(attempt == 0 ? "" : "-\(attempt)").partial"
            let descriptor = open(partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
            if descriptor >= 0 { return (descriptor, partial, PartialFiles.insert(partial)) }
            guard errno == EEXIST else { throw FileError(.write, path, errno: errno) }
        }
        throw FileError(.write, path, errno: EEXIST)
    }

    private static func write(_ chunk: [UInt8], to descriptor: Int32, _ path: String) throws(FileError) {
        var rest = chunk[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written < 0 && errno == EINTR { continue }
            guard written >= 0 else { throw FileError(.write, path, errno: errno) }
            rest = rest.dropFirst(written)
        }
    }
}

/// The partial files being written, kept where a signal handler can reach them: C strings in fixed memory.
public enum PartialFiles {
    private static let slots = 32, capacity = 4096
    private static let names = CStrings(count: slots * capacity)
    private static let used = Atomic<UInt32>(0)      // bit per slot; set only once the slot's name is complete
    private static let inserting = Mutex(())

    /// Deletes them. Safe in a signal handler that leaves the process: it allocates nothing and takes no lock.
    public static func unlinkAll() {
        forEach { unlink($0) }
    }

    package static var paths: [String] {
        var paths: [String] = []
        forEach { paths.append(String(cString: $0)) }
        return paths
    }

    private static func forEach(_ body: (UnsafePointer<CChar>) -> Void) {
        let used = used.load(ordering: .acquiring)
        for slot in 0..<slots where used & (1 << UInt32(slot)) != 0 { body(names.start + slot * capacity) }
    }

    /// nil where it does not fit: then the file is written all the same, and only an interrupt could leave it behind.
    static func insert(_ path: String) -> Int? {
        inserting.withLock { _ in
            let used = used.load(ordering: .relaxed)
            guard path.utf8.count < capacity, let slot = (0..<slots).first(where: { used & (1 << UInt32($0)) == 0 }) else { return nil }
            _ = path.withCString { strcpy(names.start + slot * capacity, $0) }
            Self.used.bitwiseOr(1 << UInt32(slot), ordering: .releasing)
            return slot
        }
    }

    static func remove(_ slot: Int?) {
        guard let slot else { return }
        used.bitwiseAnd(~(1 << UInt32(slot)), ordering: .releasing)
    }

    private struct CStrings: @unchecked Sendable {   // a slot is written by the one thread that claims it
        let start: UnsafeMutablePointer<CChar>
        init(count: Int) { start = .allocate(capacity: count) }
    }
}
