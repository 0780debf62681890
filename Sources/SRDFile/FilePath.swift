import Glibc

/// Paths, taken apart at their bytes, and questions to the file system.
///
/// A path is any sequence of bytes: see `String.init(pathBytes:)`.
package enum FilePath {
    /// Returns the folder of a path with its slash, or "" for a path without a slash.
    package static func folder(of path: String) -> String {
        path.utf8.lastIndex(of: slash).map { String(path[...$0]) } ?? ""
    }

    package static func name(of path: String) -> String {
        path.utf8.lastIndex(of: slash).map { String(path[path.utf8.index(after: $0)...]) } ?? path
    }

    /// "photo" of "a/photo.png"; a dot in front belongs to the name.
    package static func stem(of path: String) -> String {
        let name = name(of: path)
        return dot(in: name).map { String(name[..<$0]) } ?? name
    }

    /// "png" of "a/photo.png"; nil without one.
    package static func fileExtension(of path: String) -> String? {
        let name = name(of: path)
        return dot(in: name).map { String(name[name.utf8.index(after: $0)...]) }
    }

    private static let slash = UInt8(ascii: "/")

    private static func dot(in name: String) -> String.Index? {
        name.utf8.lastIndex(of: UInt8(ascii: ".")).flatMap { $0 == name.startIndex ? nil : $0 }
    }

    package static func joined(_ folder: String, _ name: String) -> String {
        folder.isEmpty || folder.utf8.last == slash ? folder + name : "\(folder)/\(name)"
    }

    /// The longest name that Linux file systems take, in bytes.
    package static let longestName = 255

    /// `stem` + `ending`, with the stem cut at a character so that the name is no longer than file systems take.
    package static func name(stem: String, ending: String) -> String {
        var stem = stem
        while stem.pathBytes.count + ending.utf8.count > longestName, !stem.isEmpty { stem.removeLast() }
        return stem + ending
    }

    package static func exists(_ path: String) -> Bool { path.withPath { access($0, F_OK) } == 0 }

    package static func isWritable(_ path: String) -> Bool { path.withPath { access($0, W_OK) } == 0 }

    package static func isFolder(_ path: String) -> Bool {
        status(of: path).map { $0.st_mode & S_IFMT == S_IFDIR } ?? false
    }

    /// Whether there is a pipe, a device or a socket: bytes that come once, in order.
    package static func isStream(_ path: String) -> Bool {
        status(of: path).map { [S_IFIFO, S_IFCHR, S_IFSOCK].contains($0.st_mode & S_IFMT) } ?? false
    }

    /// In bytes; nil when there is no such file.
    package static func size(of path: String) -> Int? { status(of: path).map { Int($0.st_size) } }

    /// What makes a file the same under two names: device and inode.
    package struct Identity: Hashable, Sendable {
        let device, inode: UInt64
    }

    /// nil when there is no such file.
    package static func identity(of path: String) -> Identity? {
        status(of: path).map { Identity(device: UInt64($0.st_dev), inode: UInt64($0.st_ino)) }
    }

    package static func isSameFile(_ a: String, _ b: String) -> Bool {
        identity(of: a).map { $0 == identity(of: b) } ?? false
    }

    private static func status(of path: String) -> stat? {
        var status = stat()
        return path.withPath { stat($0, &status) } == 0 ? status : nil
    }

    /// Makes the folder and those above it; false when one is missing afterwards.
    package static func makeFolder(_ path: String) -> Bool {
        if isFolder(path) { return true }
        let parent = self.parent(of: path)
        guard parent.isEmpty || parent == path || makeFolder(parent) else { return false }
        return path.withPath { mkdir($0, 0o777) } == 0 || isFolder(path)
    }

    /// The folder that a folder is in, "" for a plain name.
    package static func parent(of path: String) -> String {
        var path = path
        while path.utf8.count > 1 && path.utf8.last == slash { path.removeLast() }
        return folder(of: path)
    }

    /// Names in a folder, sorted; nil when it cannot be read.
    package static func list(_ folder: String) -> [String]? {
        guard let handle = folder.withPath({ opendir($0) }) else { return nil }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                    tuple.withMemoryRebound(to: CChar.self, capacity: 256) { String(path: $0) }
                })
        }
        return names.sorted()
    }

    /// What a shell would make of `*`, `?` and `[…]`.
    package static func matches(_ pattern: String) -> [String] {
        var found = glob_t()
        defer { globfree(&found) }
        guard pattern.withPath({ glob($0, 0, nil, &found) }) == 0 else { return [] }
        return (0..<Int(found.gl_pathc)).compactMap { found.gl_pathv[$0].map { String(path: $0) } }
    }

    /// The path of the running program, with links resolved.
    package static var executable: String? {
        // Not `&bytes` of an array: where C's char has no sign (arm64), Swift 6.0 passes the address of the array's own
        // variable.
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { buffer in
            let count = readlink("/proc/self/exe", buffer.baseAddress!, buffer.count)
            return count > 0 ? String(pathBytes: UnsafeRawBufferPointer(buffer)[..<count]) : nil
        }
    }
}
