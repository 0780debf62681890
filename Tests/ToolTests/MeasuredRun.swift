import Foundation
import Testing

/// A tool's run with its processor time and its greatest resident memory.
struct MeasuredRun {
    let status: Int32
    let error: String
    /// Seconds of processor time of all threads, which other programs do not change.
    let seconds: Double
    /// The peak of the resident set, in bytes, without what was touched in the last millisecond.
    let memory: Int

    /// The bytes that the tool announced, in a message or an error: `about 1.5 GiB of memory`. 0 if it announced none.
    var announced: Int {
        var most = 0.0
        for match in error.matches(of: /about ([0-9.]+) (KiB|MiB|GiB) of memory/) {
            let unit: Double = match.2 == "GiB" ? 0x1p30 : match.2 == "MiB" ? 0x1p20 : 0x1p10
            most += (Double(match.1) ?? 0) * unit
        }
        return Int(most)
    }

    /// The peak of a running process, in bytes; 0 if it has ended.
    private static func peak(of process: pid_t) -> Int {
        guard let file = fopen("/proc/\(process)/status", "r") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        while fgets(&line, Int32(line.count), file) != nil {
            let words = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self).split {
                $0.isWhitespace
            }
            if words.count > 1, words[0] == "VmHWM:" { return (Int(words[1]) ?? 0) << 10 }
        }
        return 0
    }

    /// - Parameter folder: takes a file with the error messages.
    init(_ tool: String, _ arguments: [String], folder: String) throws {
        let path = ToolRun.folder.appendingPathComponent(tool).path, log = "\(folder)/stderr"
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 2, log, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        let words = ([path] + arguments).map { strdup($0) } + [nil]
        defer { words.forEach { free($0) } }
        var child = pid_t(), code: Int32 = 0, usage = rusage()
        try #require(posix_spawn(&child, path, &actions, nil, words, environ) == 0)
        // The kernel's own peak of a child counts the memory of the process that started it: this one.
        var peak = 0
        while true {
            let ended = wait4(child, &code, WNOHANG, &usage)
            if ended == child { break }
            try #require(ended == 0 || errno == EINTR)
            peak = max(peak, Self.peak(of: child))
            usleep(1000)
        }
        let times = [usage.ru_utime, usage.ru_stime].map { Double($0.tv_sec) + Double($0.tv_usec) / 1e6 }
        seconds = times[0] + times[1]
        status = code & 0x7f == 0 ? code >> 8 & 0xff : 128 + code & 0x7f
        memory = peak
        error = String(decoding: FileManager.default.contents(atPath: log) ?? Data(), as: UTF8.self)
    }
}
