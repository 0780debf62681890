import Glibc
import ServeHTTP

/// A file as the body of a response.
enum FileBody {
    /// Opens the file now: it can be deleted while it is sent.
    static func response(_ path: String, type: String) throws -> HTTPResponse {
        let file = try OpenFile(path)
        return HTTPResponse(
            .ok, [HTTPField("Content-Type", type)],
            body: .stream(length: file.count) { writer in
                var offset = 0
                while offset < file.count {
                    let bytes = try file.read(at: offset, count: min(128 << 10, file.count - offset))
                    try await writer.write(bytes)
                    offset += bytes.count
                }
            })
    }
}

/// A file that is open for reading.
final class OpenFile: Sendable {
    let count: Int
    private let descriptor: Int32
    private let path: String

    init(_ path: String) throws {
        self.path = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw FileFailure(path) }
        var status = stat()
        count = fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
    }

    deinit { close(descriptor) }

    func read(at offset: Int, count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let found = pread(descriptor, &bytes, count, off_t(offset))
        guard found > 0 else { throw FileFailure(path, code: found == 0 ? EIO : errno) }
        return found == count ? bytes : Array(bytes[..<found])
    }
}
