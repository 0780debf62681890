/// The chunks of a WebP file: RIFF with little-endian sizes, each chunk padded to an even size.
struct WebPChunks: Sequence, IteratorProtocol {
    struct Element {
        let type: String
        /// Cut short where the bytes end.
        let data: UnsafeRawBufferPointer
        let isComplete: Bool
    }

    private let bytes: UnsafeRawBufferPointer
    private var position: Int

    /// The chunks of a file, which start after "RIFF", a size and "WEBP"; or those inside of an animation frame.
    init(_ bytes: UnsafeRawBufferPointer, from start: Int = 12) {
        self.bytes = bytes
        position = start
    }

    mutating func next() -> Element? {
        guard let type = bytes.fourCC(at: position), let count = bytes.littleEndian(4, at: position + 4) else {
            return nil
        }
        let start = position + 8
        let available = Swift.min(count, bytes.count - start)
        guard let data = bytes.slice(from: start, count: available) else { return nil }
        position = start + count + count % 2
        return Element(type: type, data: data, isComplete: available == count)
    }

    static func chunk(_ type: String, _ data: some Collection<UInt8>) -> [UInt8] {
        Array(type.utf8) + UInt32(data.count).littleEndianBytes + data + (data.count % 2 == 1 ? [0] : [])
    }

    static func file(_ chunks: [UInt8]) -> [UInt8] {
        Array("RIFF".utf8) + UInt32(4 + chunks.count).littleEndianBytes + Array("WEBP".utf8) + chunks
    }

    /// The header of a file with metadata, animation or separate alpha: flags, canvas size minus one.
    static func extended(flags: UInt8, width: Int, height: Int) -> [UInt8] {
        chunk(
            "VP8X",
            [flags, 0, 0, 0] + (width - 1).littleEndianBytes.prefix(3) + (height - 1).littleEndianBytes.prefix(3))
    }
}

/// What the chunks of a WebP file say about its image.
struct WebPLayout {
    enum Flag {
        static let animation: UInt8 = 0x02, xmp: UInt8 = 0x04, exif: UInt8 = 0x08, alpha: UInt8 = 0x10,
            profile: UInt8 = 0x20
    }

    var width = 0
    var height = 0
    var hasAlpha = false
    var isLossy = false
    var frameCount = 0
    /// The first ANMF chunk of an animation.
    var firstFrame: UnsafeRawBufferPointer?
    private var canvas: (width: Int, height: Int)?

    init(_ bytes: UnsafeRawBufferPointer) throws(ImageError) {
        var hasImage = false
        for chunk in WebPChunks(bytes) {
            switch chunk.type {
            case "VP8X":
                guard chunk.data.count >= 10, let width = chunk.data.littleEndian(3, at: 4),
                    let height = chunk.data.littleEndian(3, at: 7)
                else { throw .endsEarly }
                canvas = (width + 1, height + 1)
                hasAlpha = chunk.data[0] & Flag.alpha != 0
            case "ANMF":
                frameCount += 1
                if firstFrame == nil { firstFrame = chunk.data }
                hasImage = true
            case "VP8 ", "VP8L":
                guard !hasImage else { continue }
                try read(chunk.type, chunk.data)
                hasImage = true
            default: break
            }
        }
        guard hasImage else { throw .endsEarly }
        if let canvas {
            (width, height) = canvas
            if let firstFrame, !isLossy { isLossy = WebPChunks(firstFrame, from: 16).contains { $0.type == "VP8 " } }
        }
        guard width > 0, height > 0 else { throw .damaged(.webP, "the header announces \(width)×\(height) pixels") }
        guard firstFrame == nil || canvas != nil else { throw .damaged(.webP, "animation without a VP8X header") }
    }

    /// The sizes in the bitstream headers.
    private mutating func read(_ type: String, _ data: UnsafeRawBufferPointer) throws(ImageError) {
        if type == "VP8 " {
            // Three bytes of frame tag, the start code, 14 bits of width, 2 of scaling, 14 of height, 2 of scaling
            guard let width = data.littleEndian(2, at: 6), let height = data.littleEndian(2, at: 8) else {
                throw .endsEarly
            }
            guard data[3] == 0x9d, data[4] == 0x01, data[5] == 0x2a else {
                throw .damaged(.webP, "invalid VP8 frame header")
            }
            (self.width, self.height, isLossy) = (width & 0x3fff, height & 0x3fff, true)
        } else {
            // A signature byte, 14 bits of width − 1, 14 of height − 1, one of alpha, three of version
            guard let bits = data.littleEndian(4, at: 1) else { throw .endsEarly }
            guard data[0] == 0x2f, bits >> 29 == 0 else { throw .damaged(.webP, "invalid VP8L header") }
            (width, height) = (bits & 0x3fff + 1, bits >> 14 & 0x3fff + 1)
            hasAlpha = hasAlpha || bits >> 28 & 1 == 1
        }
    }
}
