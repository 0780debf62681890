import Glibc
import SRDFile
import SRDiff

/// Images that come through a pipe: bytes of unknown number.
enum ImageStream {
    /// The longest stream that is read, if there is memory for it.
    private static let longest = 1 << 30
    /// Bytes after which a stream must look like an image.
    private static let start = 4096

    /// Reads to the end. Stops as soon as the stream cannot be an image, and at the greatest length.
    static func read(_ input: ImageInput) throws -> [UInt8] {
        let descriptor: Int32
        if let path = input.path {
            descriptor = path.withPath { Glibc.open($0, O_RDONLY | O_CLOEXEC) }
            guard descriptor >= 0 else { throw FileError(.read, path, errno: errno) }
        } else {
            descriptor = 0
        }
        defer { if input.path != nil { close(descriptor) } }
        // An array that grows is copied, so it takes up to three times its bytes.
        let limit = min(longest, (AvailableMemory.now()?.bytes ?? .max) / 4)
        var bytes: [UInt8] = [], isImage = false
        while true {
            let chunk = try chunk(descriptor, input)
            bytes += chunk
            if !isImage, bytes.count >= start || chunk.isEmpty {
                try checkStart(bytes)
                isImage = true
            }
            if chunk.isEmpty { return bytes }
            guard bytes.count <= limit else {
                throw ToolError("more than \(ByteCount.text(limit)) (expected one image). Pass a file instead.")
            }
        }
    }

    private static func chunk(_ descriptor: Int32, _ input: ImageInput) throws -> [UInt8] {
        while true {
            var code: Int32 = 0
            let chunk = [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
                let found = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
                code = found < 0 ? errno : 0
                count = max(0, found)
            }
            if code == EINTR { continue }
            guard code == 0 else { throw FileError(.read, "\(input)", errno: code) }
            return chunk
        }
    }

    private static func checkStart(_ bytes: [UInt8]) throws {
        guard !bytes.isEmpty else { throw ImageError.empty }
        try bytes.withUnsafeBytes { start in
            if ImageFormat(sniffing: start) != nil { return }
            if let foreign = ForeignFormat(sniffing: start) { throw ImageError.foreignFormat(foreign) }
            throw ImageError.unknownFormat(firstBytes: Array(bytes.prefix(8)))
        }
    }
}
