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

    /// Lets `peakMemory` start again from what is held now; some containers do not allow it.
    public static func resetPeakMemory() {
        let descriptor = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        _ = write(descriptor, "5", 1)
        close(descriptor)
    }

    /// The processor's name, or the board's; nil where nobody says.
    public static var name: String? {
        if let board = readText("/proc/device-tree/model") { return String(board.prefix { $0 != "\0" }) }
        let line = readText("/proc/cpuinfo")?.split(separator: "\n").first { $0.hasPrefix("model name") }
        return line?.split(separator: ":").last.map { String($0.drop(while: \.isWhitespace)) }
    }

    /// What the board tells of its heat and speed now; nil where it does not.
    public struct Condition {
        /// °C, of the hottest zone.
        public let temperature: Double?
        /// MHz, of the fastest processor.
        public let frequency: Double?
        /// How often it was slowed down for heat so far, or a Raspberry Pi's flags (bits 0…3: now, 16…19: since boot).
        public let throttled: Int?
    }

    public static var condition: Condition {
        let temperatures = (0..<32).compactMap { readInteger("/sys/class/thermal/thermal_zone\($0)/temp") }
        let frequencies = (0..<256).compactMap { readInteger("/sys/devices/system/cpu/cpu\($0)/cpufreq/scaling_cur_freq") }
        let flags = readText("/sys/devices/platform/soc/soc:firmware/get_throttled").flatMap { text in
            Int(text.filter(\.isHexDigit), radix: 16)
        }
        return Condition(
            temperature: temperatures.max().map { Double($0) / 1000 }, frequency: frequencies.max().map { Double($0) / 1000 },
            throttled: flags ?? readInteger("/sys/devices/system/cpu/cpu0/thermal_throttle/package_throttle_count"))
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
