import SRDiff

/// Small files whose headers announce huge images.
enum DecompressionBomb {
    /// Bytes of memory per byte of file. RGB at 1 bit per pixel has 48, a PNG of one colour about 2000.
    private static let ratio = 192

    /// Throws if the image takes much memory and its file is much smaller, so that a file below 1 MB is never decoded
    /// to more than `MemoryEstimate.unannounced`. Genuine large images of that kind, such as blank scans, are rare,
    /// while a file of 33 KB can make a program decode 2 GB.
    static func check(_ header: ImageHeader, fileSize: Int) throws {
        guard header.decodingBytes > MemoryEstimate.unannounced, header.decodingBytes / ratio > fileSize else { return }
        throw ToolError(
            """
            \(header.width)×\(header.height) pixels take \(ByteCount.text(header.decodingBytes)) of memory, \
            but the file has \(ByteCount.text(fileSize)) \
            (expected \(ByteCount.text(header.decodingBytes / ratio)) or more): perhaps a decompression bomb. \
            If the image is genuine, save it as PPM.
            """)
    }
}

extension MemoryEstimate {
    /// Bytes that an image may take without being announced. Together with what every tool takes they stay below 256
    /// MB.
    static let unannounced = 192 << 20

    /// Returns what to announce of a subject that takes much memory, or nil.
    public static func note(_ bytes: Int, for subject: String) -> String? {
        bytes > unannounced ? "\(subject): about \(ByteCount.text(bytes)) of memory" : nil
    }
}
