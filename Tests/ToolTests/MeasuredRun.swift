import Foundation
import Testing

/// A tool's run with its processor time and its greatest resident memory.
struct MeasuredRun {
    let status: Int32
    let error: String
    /// Seconds of processor time of all threads, which other programs do not change.
    let seconds: Double
    /// The peak of the resident set, in bytes.
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
        while wait4(child, &code, 0, &usage) < 0 { try #require(errno == EINTR) }
        let times = [usage.ru_utime, usage.ru_stime].map { Double($0.tv_sec) + Double($0.tv_usec) / 1e6 }
        seconds = times[0] + times[1]
        status = code & 0x7f == 0 ? code >> 8 & 0xff : 128 + code & 0x7f
        memory = Int(usage.ru_maxrss) << 10
        error = String(decoding: FileManager.default.contents(atPath: log) ?? Data(), as: UTF8.self)
    }
}
