import Glibc

/// What this process may use of the machine.
public enum Machine {
    /// Processors we may run on: the affinity mask, and no more than a container's CPU quota.
    public static var processors: Int {
        let mask = status("Cpus_allowed")?.compactMap(\.hexDigitValue).reduce(0) { $0 + $1.nonzeroBitCount }
        let allowed = mask ?? sysconf(Int32(_SC_NPROCESSORS_ONLN))
        let quota = controlGroups.compactMap { group -> Int? in          // cpu.max: "max 100000" or "150000 100000"
            let fields = readText("\(group)/cpu.max")?.split(whereSeparator: \.isWhitespace).map { Int($0) } ?? []
            guard fields.count == 2, let quota = fields[0], let period = fields[1], period > 0 else { return nil }
            return (quota + period - 1) / period
        }.min()
        return max(1, min(allowed, quota ?? allowed))
    }

    /// Bytes that can still be had without swapping, in this process's container; nil where nobody says.
    public static var availableMemory: Int? {
        var candidates: [Int] = []
        for line in readText("/proc/meminfo")?.split(separator: "\n") ?? [] where line.hasPrefix("MemAvailable:") {
            if let kibibytes = line.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) { candidates.append(kibibytes * 1024) }
        }
        for group in controlGroups {
            guard let limit = readInteger("\(group)/memory.max"), let used = readInteger("\(group)/memory.current") else { continue }
            let cached = readText("\(group)/memory.stat")?.split(separator: "\n").first { $0.hasPrefix("inactive_file ") }
            candidates.append(limit - used + (cached?.split(separator: " ").last.flatMap { Int($0) } ?? 0))
        }
        return candidates.min().map { max(0, $0) }
    }

    /// The most memory this process has held so far, in bytes.
    public static var peakMemory: Int {
        status("VmHWM").flatMap { $0.split(separator: " ").first }.flatMap { Int($0) }.map { $0 * 1024 } ?? 0
    }

    public static func environment(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Our control group (version 2) and those it is in: a limit on any of them counts.
    private static var controlGroups: [String] {
        guard let line = readText("/proc/self/cgroup")?.split(separator: "\n").first(where: { $0.hasPrefix("0::/") }) else { return [] }
        var parts = line.dropFirst(4).split(separator: "/")
        var groups: [String] = []
        while true {
            groups.append((["/sys/fs/cgroup"] + parts).joined(separator: "/"))
            if parts.popLast() == nil { return groups }
        }
    }

    /// A line of what the kernel says about this process, without its name.
    private static func status(_ name: String) -> String? {
        let lines = readText("/proc/self/status")?.split(separator: "\n") ?? []
        return lines.first { $0.hasPrefix("\(name):") }.map { $0.dropFirst(name.count + 1).drop(while: \.isWhitespace) }.map(String.init)
    }

    private static func readInteger(_ path: String) -> Int? {
        readText(path).flatMap { $0.split(whereSeparator: \.isWhitespace).first }.flatMap { Int($0) }
    }

    /// A file of the kernel's: short, and its size not known beforehand.
    private static func readText(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = read(descriptor, &bytes, bytes.count)
        return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
    }
}
