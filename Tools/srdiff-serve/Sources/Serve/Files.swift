import Glibc

/// What the kernel says went wrong with a file of the service. Paths are for the log of whoever runs it, not for
/// clients.
struct FileFailure: Error, CustomStringConvertible {
    let path: String
    let code: Int32

    init(_ path: String, code: Int32 = errno) {
        self.path = path
        self.code = code
    }

    var isFull: Bool { code == ENOSPC || code == EDQUOT || code == EFBIG }
    var description: String { "\(path): \(String(cString: strerror(code)))" }
}

/// File operations that the service needs.
enum Files {
    static func makeFolder(_ path: String, mode: mode_t = 0o700) throws {
        if mkdir(path, mode) == 0 || errno == EEXIST { return }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
            throw FileFailure(path)
        }
        try makeFolder(String(path[..<slash]), mode: mode)
        guard mkdir(path, mode) == 0 || errno == EEXIST else { throw FileFailure(path) }
    }

    /// Names in a folder, without "." and ".."; none if it cannot be read.
    static func list(_ folder: String) -> [String] {
        guard let handle = opendir(folder) else { return [] }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                tuple.withMemoryRebound(to: CChar.self, capacity: 256) { String(validatingCString: $0) }
            }
            if let name, name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Removes a folder of files; what is missing is no error.
    static func removeFolder(_ path: String) {
        for name in list(path) { unlink("\(path)/\(name)") }
        rmdir(path)
    }

    static func move(_ from: String, to: String) throws {
        guard rename(from, to) == 0 else { throw FileFailure(to) }
    }

    /// Makes a file or a folder's names last through a power failure.
    static func synchronize(_ path: String) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileFailure(path) }
        defer { close(descriptor) }
        while fsync(descriptor) != 0 {
            if errno == EINTR { continue }
            if errno == EINVAL || errno == ENOTSUP { return }
            throw FileFailure(path)
        }
    }

    static func status(_ path: String) -> stat? {
        var status = stat()
        return lstat(path, &status) == 0 ? status : nil
    }

    static func size(_ path: String) -> Int? { status(path).map { Int($0.st_size) } }

    /// A file's text, at most 64 KiB.
    static func text(_ path: String) throws -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileFailure(path) }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = read(descriptor, &bytes, bytes.count)
        guard count >= 0 else { throw FileFailure(path) }
        return String(decoding: bytes[..<count], as: UTF8.self)
    }

    /// Copies a file to a new one and synchronizes it with the disk. Throws if it exists.
    static func copy(_ from: String, to: String, limit: Int = .max, mode: mode_t = 0o600) throws {
        let source = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard source >= 0 else { throw FileFailure(from) }
        defer { close(source) }
        let target = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard target >= 0 else { throw FileFailure(to) }
        defer { close(target) }
        do {
            var total = 0, bytes = [UInt8](repeating: 0, count: 1 << 18)
            while true {
                let count = read(source, &bytes, bytes.count)
                if count < 0 && errno == EINTR { continue }
                guard count >= 0 else { throw FileFailure(from) }
                if count == 0 { break }
                total += count
                guard total <= limit else { throw FileFailure(from, code: EFBIG) }
                try writeAll(bytes[..<count], to: target, path: to)
            }
            guard fsync(target) == 0 || errno == EINVAL else { throw FileFailure(to) }
        } catch {
            unlink(to)
            throw error
        }
    }

    static func writeAll(_ bytes: ArraySlice<UInt8>, to descriptor: Int32, path: String) throws {
        var rest = bytes
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw FileFailure(path) }
            rest = rest.dropFirst(count)
        }
    }

    /// Maps a file that no other process writes to.
    static func withBytes<Result>(_ path: String, _ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileFailure(path) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw FileFailure(path) }
        let count = Int(status.st_size)
        guard count > 0 else { return try body(UnsafeRawBufferPointer(start: nil, count: 0)) }
        guard let start = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), start != MAP_FAILED else {
            throw FileFailure(path)
        }
        defer { munmap(start, count) }
        return try body(UnsafeRawBufferPointer(start: start, count: count))
    }
}
