import Glibc

/// Standard output and standard error.
public enum Terminal: Int32, Sendable {
    /// For results.
    case output = 1
    /// For progress, notes and errors.
    case error = 2

    public var isInteractive: Bool { isatty(rawValue) == 1 }

    public func line(_ text: String) { write(Array((text + "\n").utf8)) }

    /// Whatever takes our output may have gone: then there is nobody to tell.
    public func write(_ bytes: [UInt8]) { _ = writeAll(bytes) }

    /// Whether everything was taken.
    public func writeAll(_ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(rawValue, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    /// All of standard input.
    public static func readInput() -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            let chunk = [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
                repeat { count = max(-1, read(0, buffer.baseAddress, buffer.count)) } while count < 0 && errno == EINTR
                count = max(0, count)
            }
            if chunk.isEmpty { return bytes }
            bytes += chunk
        }
    }
}
