import Glibc

/// The secret that a client shows if the service can be reached from other machines.
struct Token: Sendable {
    private let bytes: [UInt8]

    init(_ text: String) { bytes = Array(text.utf8) }

    /// Compares in a time that does not depend on where the texts differ.
    func matches(_ text: String) -> Bool {
        let other = Array(text.utf8)
        guard other.count == bytes.count else { return false }
        var difference: UInt8 = 0
        for i in bytes.indices { difference |= bytes[i] ^ other[i] }
        return difference == 0
    }

    /// Reads the token of a file, or makes one and writes it there.
    ///
    /// - Returns: the token, and its text if it is new.
    static func load(_ path: String) throws -> (token: Token, new: String?) {
        if Files.size(path) != nil {
            let text = String(try Files.text(path).filter { !$0.isWhitespace })
            guard text.utf8.count >= 16 else {
                throw ServeError(
                    "\(path): a token of at least 16 characters is expected. Remove the file for a new one.")
            }
            return (Token(text), nil)
        }
        let text = RandomBytes.hexadecimal(16)
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw FileFailure(path) }
        defer { close(descriptor) }
        try Files.writeAll(Array("\(text)\n".utf8)[...], to: descriptor, path: path)
        guard fsync(descriptor) == 0 || errno == EINVAL else { throw FileFailure(path) }
        return (Token(text), text)
    }
}
