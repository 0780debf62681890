import Glibc

/// Memory that can still be had without swapping, and who says so.
public struct AvailableMemory: Equatable {
    public let bytes: Int
    /// For the user: "free", "left of the control group's limit", "left of the limit on address space (ulimit -v)".
    public let limit: String

    /// The least of the limits of the machine, this process's control groups and its own limits, or nil if none is
    /// known.
    ///
    /// - Parameter root: where /proc and /sys are.
    public static func now(root: String = "") -> AvailableMemory? {
        let files = KernelFiles(root: root)
        let candidates = [machine(files)] + controlGroups(files) + processLimits(files)
        let least = candidates.compactMap { $0 }.min { $0.bytes < $1.bytes }
        return least.map { AvailableMemory(bytes: max(0, $0.bytes), limit: $0.limit) }
    }

    private static func machine(_ files: KernelFiles) -> AvailableMemory? {
        files.kibibytes("MemAvailable", in: "/proc/meminfo").map { AvailableMemory(bytes: $0, limit: "free") }
    }

    /// Version 2 and, where memory is still version 1's, that. What the group has of files in its cache can be dropped.
    private static func controlGroups(_ files: KernelFiles) -> [AvailableMemory?] {
        func left(_ limit: Int?, used: Int?, cached: Int?) -> AvailableMemory? {
            guard let limit, let used, limit < 1 << 60 else { return nil }  // version 1 writes a huge number for none
            return AvailableMemory(bytes: limit - used + (cached ?? 0), limit: "left of the control group's limit")
        }
        let second = files.controlGroups(version: 2).flatMap { group in
            ["memory.max", "memory.high"].map { name in
                left(
                    files.integer("\(group)/\(name)"), used: files.integer("\(group)/memory.current"),
                    cached: files.integer("inactive_file", in: "\(group)/memory.stat"))
            }
        }
        let first = files.controlGroups(version: 1).map { group in
            left(
                files.integer("\(group)/memory.limit_in_bytes"), used: files.integer("\(group)/memory.usage_in_bytes"),
                cached: files.integer("total_inactive_file", in: "\(group)/memory.stat"))
        }
        return second + first
    }

    private static func processLimits(_ files: KernelFiles) -> [AvailableMemory?] {
        func left(_ resource: __rlimit_resource, _ used: String, _ name: String) -> AvailableMemory? {
            var limit = rlimit()
            guard getrlimit(__rlimit_resource_t(resource.rawValue), &limit) == 0, limit.rlim_cur < 1 << 60,
                let used = files.kibibytes(used, in: "/proc/self/status")
            else { return nil }
            return AvailableMemory(bytes: Int(limit.rlim_cur) - used, limit: "left of the limit on \(name)")
        }
        return [
            left(RLIMIT_AS, "VmSize", "address space (ulimit -v)"), left(RLIMIT_DATA, "VmData", "data (ulimit -d)"),
        ]
    }
}

/// The kernel's own files: short, and of a size not known beforehand.
struct KernelFiles {
    let root: String

    init(root: String = "") { self.root = root }

    func text(_ path: String) -> String? {
        let descriptor = open(root + path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = read(descriptor, &bytes, bytes.count)
        return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
    }

    func lines(_ path: String) -> [Substring] { text(path)?.split(separator: "\n") ?? [] }

    /// Returns a file's first number.
    func integer(_ path: String) -> Int? {
        text(path).flatMap { $0.split(whereSeparator: \.isWhitespace).first }.flatMap { Int($0) }
    }

    /// Returns the number of a name in a file with "name number" on each line.
    func integer(_ name: String, in path: String) -> Int? {
        lines(path).first { $0.hasPrefix("\(name) ") }?.split(separator: " ").last.flatMap { Int($0) }
    }

    /// Returns the value of a name in a file with "name:  value" on each line.
    func value(_ name: String, in path: String) -> String? {
        lines(path).first { $0.hasPrefix("\(name):") }.map {
            String($0.dropFirst(name.count + 1).drop(while: \.isWhitespace))
        }
    }

    /// "name:  123 kB", in bytes.
    func kibibytes(_ name: String, in path: String) -> Int? {
        value(name, in: path)?.split(separator: " ").first.flatMap { Int($0) }.map { $0 * 1024 }
    }

    /// Folders of our control group and of those it is in: a limit on any of them counts.
    func controlGroups(version: Int) -> [String] {
        let (top, mark) = version == 2 ? ("/sys/fs/cgroup", "0::/") : ("/sys/fs/cgroup/memory", ":memory:/")
        let line = lines("/proc/self/cgroup").first { version == 2 ? $0.hasPrefix(mark) : $0.contains(mark) }
        guard let line else { return [] }
        var parts = line.split(separator: "/").dropFirst().map(String.init)
        var groups: [String] = []
        while true {
            groups.append(([top] + parts).joined(separator: "/"))
            if parts.popLast() == nil { return groups }
        }
    }
}
