import CPNG

/// The chunks of a PNG file in order, up to IEND or the point where the bytes end.
struct PNGChunks: Sequence, IteratorProtocol {
    struct Element {
        let type: String
        let data: UnsafeRawBufferPointer
        let isIntact: Bool
    }

    private let bytes: UnsafeRawBufferPointer
    private var position = 8

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func next() -> Element? {
        guard let count = bytes.bigEndian32(at: position), let type = bytes.fourCC(at: position + 4), type != "IEND",
            let data = bytes.slice(from: position + 8, count: count),
            let crc = bytes.bigEndian32(at: position + 8 + count)
        else { return nil }
        let covered = UnsafeRawBufferPointer(rebasing: bytes[position + 4..<position + 8 + count])
        position += 12 + count
        // The codec checks the CRCs of the image data, which may be long.
        let isIntact =
            type == "IDAT" || type == "fdAT"
            || srd_crc32(covered.bindMemory(to: UInt8.self).baseAddress, covered.count) == UInt32(crc)
        return Element(type: type, data: data, isIntact: isIntact)
    }
}

extension ImageMetadata {
    /// Chunks that stay true when pixels change, and their sizes if fixed. Others are dropped: sBIT, bKGD, hIST, tIME,
    /// ….
    static let kept: [String: Int?] = [
        "cICP": 4, "iCCP": nil, "sRGB": 1, "gAMA": 4, "cHRM": 32, "mDCV": 24, "cLLI": 8,
        "pHYs": 9, "eXIf": nil, "tEXt": nil, "zTXt": nil, "iTXt": nil,
    ]
    static let chunkLimit = 1000
    static let byteLimit = 64 << 20
    /// What all compressed chunks together may inflate to: deflate shrinks some texts a thousandfold.
    static let inflatedLimit = 64 << 20

    /// Metadata of a PNG file that libpng has decoded. Damaged and invalid chunks are dropped with a warning, so that
    /// they do not end up in the output. Where a chunk may occur only once, the first one counts.
    init(png bytes: UnsafeRawBufferPointer, onWarning: (String) -> Void) {
        var rest = (chunks: Self.chunkLimit, bytes: Self.byteLimit, inflated: Self.inflatedLimit)
        for chunk in PNGChunks(bytes) {
            guard chunk.isIntact else {
                onWarning("damaged \(chunk.type) chunk dropped (wrong CRC)")
                continue
            }
            guard let size = Self.kept[chunk.type] else { continue }
            let mayRepeat = ImageText.Kind(rawValue: chunk.type) != nil
            guard mayRepeat || !chunks.contains(where: { $0.type == chunk.type }) else { continue }
            rest.chunks -= 1
            rest.bytes -= chunk.data.count
            guard rest.chunks >= 0, rest.bytes >= 0 else {
                onWarning("metadata beyond \(Self.chunkLimit) chunks or \(Self.byteLimit >> 20) MB dropped")
                return
            }
            let kept = Chunk(type: chunk.type, data: Array(chunk.data))
            if let problem = size.map({ $0 == chunk.data.count ? nil : "wrong size" }) ?? kept.problem(&rest.inflated) {
                onWarning("invalid \(chunk.type) chunk dropped (\(problem))")
            } else {
                add(kept.type, kept.data)
            }
        }
    }
}

extension ImageMetadata.Chunk {
    /// Why the chunk violates the PNG specification, or nil.
    ///
    /// - Parameter rest: what compressed data may still inflate to. The bytes that it did are subtracted.
    func problem(_ rest: inout Int) -> String? {
        func inflated(_ bytes: ArraySlice<UInt8>) -> [UInt8]? {
            let limit = min(rest, ImageMetadata.profileLimit), result = SRDImage.inflated(bytes, limit: limit)
            rest -= result?.count ?? min(limit, 1032 * bytes.count)  // deflate's greatest expansion
            return result
        }
        switch type {
        case "eXIf":
            return EXIF(data) == nil ? "no TIFF structure" : nil
        case "iCCP", "zTXt":
            guard let end = data.firstIndex(of: 0), end + 2 <= data.count else { return "too short" }
            guard data[end + 1] == 0 else { return "unknown compression" }
            return keywordProblem(data[..<end])
                ?? (inflated(data[(end + 2)...]) == nil
                    ? "damaged or too large" : nil)
        case "tEXt":
            guard let end = data.firstIndex(of: 0) else { return "no keyword" }
            return keywordProblem(data[..<end]) ?? (data[(end + 1)...].contains(0) ? "NUL in the text" : nil)
        case "iTXt":
            guard let end = data.firstIndex(of: 0), end + 3 <= data.count, data[end + 1] <= 1, data[end + 2] == 0,
                let language = data[(end + 3)...].firstIndex(of: 0),
                let start = data[(language + 1)...].firstIndex(of: 0)
            else { return "too short or unknown compression" }
            let stored = data[(start + 1)...]
            let text = data[end + 1] == 0 ? Array(stored) : inflated(stored)
            guard let text else { return "damaged or too large" }
            return keywordProblem(data[..<end])
                ?? (String(validUTF8: text) == nil || text.contains(0) ? "not UTF-8" : nil)
        default:
            return nil
        }
    }

    /// Keywords have 1 to 79 printable Latin-1 characters, without a space at either end or two in a row.
    private func keywordProblem(_ keyword: ArraySlice<UInt8>) -> String? {
        let isValid =
            (1...79).contains(keyword.count) && keyword.first != 32 && keyword.last != 32
            && keyword.allSatisfy { (32...126).contains($0) || $0 >= 161 }
            && !zip(keyword, keyword.dropFirst()).contains { $0 == 32 && $1 == 32 }
        return isValid ? nil : "invalid keyword"
    }
}
