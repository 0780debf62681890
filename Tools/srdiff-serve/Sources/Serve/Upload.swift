import Glibc

/// An image on its way in: a file of its own that is removed unless a job takes it.
final class Upload {
    let path: String
    /// The name that the client gave it.
    let name: String
    private(set) var count = 0
    private var descriptor: Int32
    private var isTaken = false

    init(folder: String, name: String) throws {
        path = "\(folder)/\(RandomBytes.hexadecimal(16))"
        self.name = name
        descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw FileFailure(path) }
    }

    deinit {
        finish()
        if !isTaken { unlink(path) }
    }

    func write(_ bytes: ArraySlice<UInt8>) throws {
        try Files.writeAll(bytes, to: descriptor, path: path)
        count += bytes.count
    }

    func finish() {
        if descriptor >= 0 { close(descriptor) }
        descriptor = -1
    }

    /// The file now belongs to a job.
    func take() { isTaken = true }
}
