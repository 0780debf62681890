import Glibc
import SRDFile

/// What this process may use of the machine.
public enum Machine {
    private static var files: KernelFiles { KernelFiles() }

    /// Processors we may run on: the affinity mask, and no more than a container's CPU quota.
    public static var processors: Int {
        let digits = files.value("Cpus_allowed", in: "/proc/self/status")?.compactMap(\.hexDigitValue)
        let mask = digits?.reduce(0) { $0 + $1.nonzeroBitCount }
        let allowed = mask ?? sysconf(Int32(_SC_NPROCESSORS_ONLN))
        // cpu.max holds "max 100000" or "150000 100000".
        let quota = files.controlGroups(version: 2).compactMap { group -> Int? in
            let fields = files.text("\(group)/cpu.max")?.split(whereSeparator: \.isWhitespace).map { Int($0) } ?? []
            guard fields.count == 2, let quota = fields[0], let period = fields[1], period > 0 else { return nil }
            return (quota + period - 1) / period
        }.min()
        return max(1, min(allowed, quota ?? allowed))
    }

    /// The most memory this process has held so far, in bytes.
    public static var peakMemory: Int {
        files.kibibytes("VmHWM", in: "/proc/self/status") ?? 0
    }

    /// Lets `peakMemory` start again from what is held now; some containers do not allow it.
    public static func resetPeakMemory() {
        let descriptor = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        _ = write(descriptor, "5", 1)
        close(descriptor)
    }

    /// The name of the processor or the board, or nil if it is unknown.
    public static var name: String? {
        if let board = files.text("/proc/device-tree/model") { return String(board.prefix { $0 != "\0" }) }
        let line = files.text("/proc/cpuinfo")?.split(separator: "\n").first { $0.hasPrefix("model name") }
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
        let temperatures = (0..<32).compactMap { files.integer("/sys/class/thermal/thermal_zone\($0)/temp") }
        let frequencies = (0..<256).compactMap {
            files.integer("/sys/devices/system/cpu/cpu\($0)/cpufreq/scaling_cur_freq")
        }
        let flags = files.text("/sys/devices/platform/soc/soc:firmware/get_throttled").flatMap { text in
            Int(text.filter { $0.isHexDigit }, radix: 16)
        }
        return Condition(
            temperature: temperatures.max().map { Double($0) / 1000 },
            frequency: frequencies.max().map { Double($0) / 1000 },
            throttled: flags ?? files.integer("/sys/devices/system/cpu/cpu0/thermal_throttle/package_throttle_count"))
    }

    public static func environment(_ name: String) -> String? {
        getenv(name).map { String(path: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }
}
