import Glibc
import ToolSupport

/// Other programs, as a user starts them.
enum ChildProcess {
    /// Runs a program and returns the time from its start to its end.
    ///
    /// - Parameter environment: `NAME=value` each.
    /// - Throws: `ToolError` if the program cannot be started or fails.
    static func time(_ path: String, _ arguments: [String], environment: [String]) throws -> Duration {
        func strings(_ texts: [String]) -> [UnsafeMutablePointer<CChar>?] { texts.map { strdup($0) } + [nil] }
        let arguments = strings([path] + arguments), environment = strings(environment)
        defer { (arguments + environment).forEach { free($0) } }
        let clock = ContinuousClock(), start = clock.now
        var child = pid_t(), status: Int32 = 0
        guard posix_spawn(&child, path, nil, nil, arguments, environment) == 0 else {
            throw ToolError("\(path): cannot be started")
        }
        while waitpid(child, &status, 0) < 0 {
            guard errno == EINTR else { throw ToolError("\(path): lost") }
        }
        guard status == 0 else { throw ToolError("\(path): failed") }
        return clock.now - start
    }
}
