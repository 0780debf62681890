import Glibc

/// The name of the temporary file that an output is written to: `NAME.HOST.PID.partial`, or `NAME.HOST.PID-N.partial`
/// if that exists. HOST and PID tell whether the process that made the file can still be alive.
package struct PartialName: Equatable {
    let host: [UInt8]
    let process: Int32

    private static let suffix = Array(".partial".utf8)

    static let current = PartialName(host: thisHost, process: getpid())

    /// The name of this machine, as temporary files carry it.
    package static var hostName: String { String(decoding: thisHost, as: UTF8.self) }

    /// The name of this machine: letters, digits, "-" and "_", at most 32.
    private static let thisHost: [UInt8] = {
        var name = [UInt8](repeating: 0, count: 256)
        let isKnown = name.withUnsafeMutableBytes {
            gethostname($0.baseAddress!.assumingMemoryBound(to: CChar.self), 255) == 0
        }
        let letters = isKnown ? name.prefix { $0 != 0 }.prefix(32) : []
        return letters.isEmpty ? Array("localhost".utf8) : letters.map { isLetter($0) ? $0 : UInt8(ascii: "-") }
    }()

    private static func isLetter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
        }
    }

    /// Returns a temporary path in the folder of `path`. Its name is shortened if the file system does not allow its
    /// length.
    static func path(for path: String, attempt: Int) -> String {
        let bytes = path.pathBytes, start = bytes.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0
        let folder = bytes[..<start]
        let number = attempt == 0 ? "" : "-\(attempt)"
        let end = Array(".".utf8) + current.host + Array(".\(current.process)\(number)".utf8) + suffix
        let nameLimit = String(pathBytes: folder.isEmpty ? [UInt8(ascii: ".")] : folder).withPath {
            pathconf($0, Int32(_PC_NAME_MAX))
        }
        let room = min(nameLimit > 0 ? nameLimit : 255, Int(PATH_MAX) - 1 - folder.count) - end.count
        var name = bytes[start...]
        if name.count > room {
            name = name.prefix(max(0, room))
            // Some file systems take only UTF-8, so a character is not cut in two.
            while let last = name.last, bytes[name.endIndex] & 0xc0 == 0x80, last >= 0x80 { name.removeLast() }
        }
        return String(pathBytes: folder + name + end)
    }

    /// Reads a name in a folder; nil for the name of anything but a temporary file.
    init?(_ name: some Collection<UInt8>) {
        let name = Array(name)
        guard name.count > Self.suffix.count, name.suffix(Self.suffix.count).elementsEqual(Self.suffix) else {
            return nil
        }
        let parts = name.dropLast(Self.suffix.count).split(
            separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count >= 3, let number = parts.last!.split(separator: UInt8(ascii: "-")).first,
            let process = Int32(String(decoding: number, as: UTF8.self)), process > 0
        else { return nil }
        host = Array(parts[parts.count - 2])
        self.process = process
    }

    private init(host: [UInt8], process: Int32) {
        self.host = host
        self.process = process
    }

    /// Whether a process of this machine made the file and has ended.
    var isStale: Bool {
        host == Self.current.host && process != Self.current.process && kill(process, 0) != 0 && errno == ESRCH
    }
}
