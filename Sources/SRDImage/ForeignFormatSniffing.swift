extension ForeignFormat {
    /// The foreign format that a file's first bytes belong to, or nil. Looks at 4 KB at most.
    public init?(sniffing bytes: UnsafeRawBufferPointer) {
        let start = UnsafeRawBufferPointer(rebasing: bytes.prefix(4096))
        guard let format = Self.magic(start) ?? Self.isoMedia(start) ?? Self.tiff(start) ?? Self.text(start) else {
            return nil
        }
        self = format
    }

    private static func magic(_ bytes: UnsafeRawBufferPointer) -> ForeignFormat? {
        let table: [(ForeignFormat, offset: Int, [UInt8])] = [
            (.gif, 0, Array("GIF8".utf8)),
            (.photoshop, 0, Array("8BPS".utf8)),
            (.openEXR, 0, [0x76, 0x2f, 0x31, 0x01]),
            (.jpegXL, 0, [0xff, 0x0a]), (.jpegXL, 4, Array("JXL \r\n".utf8)),
            (.jpeg2000, 4, Array("jP  \r\n".utf8)), (.jpeg2000, 0, [0xff, 0x4f, 0xff, 0x51]),
            (.icon, 0, [0, 0, 1, 0]), (.icon, 0, [0, 0, 2, 0]),
            (.cgbi, 12, Array("CgBI".utf8)),
            (.raw, 0, Array("FUJIFILMCCD-RAW".utf8)), (.raw, 0, Array("IIRO".utf8)), (.raw, 0, Array("IIRS".utf8)),
            (.raw, 0, Array("MMOR".utf8)), (.raw, 0, Array("IIU\0".utf8)), (.raw, 0, Array("FOVb".utf8)),
            (.raw, 0, Array("\0MRM".utf8)), (.raw, 6, Array("HEAPCCDR".utf8)),
            (.pdf, 0, Array("%PDF-".utf8)),
            (.video, 0, [0x1a, 0x45, 0xdf, 0xa3]), (.video, 8, Array("AVI LIST".utf8)),
            (.zip, 0, [0x50, 0x4b, 3, 4]), (.zip, 0, [0x50, 0x4b, 5, 6]),
            (.gzip, 0, [0x1f, 0x8b]),
            (.xz, 0, [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]),
            (.bzip2, 0, Array("BZh".utf8)),
            (.zstandard, 0, [0x28, 0xb5, 0x2f, 0xfd]),
            (.sevenZip, 0, [0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c]),
            (.rar, 0, Array("Rar!".utf8)),
            (.tar, 257, Array("ustar".utf8)),
            (.gitLFSPointer, 0, Array("version https://git-lfs".utf8)),
        ]
        if let row = table.first(where: { bytes.dropFirst($0.offset).starts(with: $0.2) }) { return row.0 }
        // "BM", file size, four reserved bytes, offset of the pixels, size of the header that follows
        if bytes.hasASCII("BM", at: 0), let header = bytes.littleEndian(4, at: 14), (12...256).contains(header) {
            return .bmp
        }
        return nil
    }

    /// ISO base media files: a size, "ftyp", the major brand, a version, the compatible brands.
    private static func isoMedia(_ bytes: UnsafeRawBufferPointer) -> ForeignFormat? {
        guard bytes.hasASCII("ftyp", at: 4), let size = bytes.bigEndian32(at: 0), let major = bytes.fourCC(at: 8) else {
            return nil
        }
        let compatible = stride(from: 16, to: min(size, 256), by: 4).compactMap { bytes.fourCC(at: $0) }
        let brands = Set([major] + compatible)
        if !brands.isDisjoint(with: ["avif", "avis"]) { return .avif }
        if brands.contains("crx ") { return .raw }
        return brands.isDisjoint(with: ["heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1"])
            ? .video : .heic
    }

    /// TIFF itself, or a raw format built on it: Canon's marks its header, DNG has a version tag, and others keep the
    /// sensor data in sub-directories next to a thumbnail.
    private static func tiff(_ bytes: UnsafeRawBufferPointer) -> ForeignFormat? {
        // BigTIFF
        if bytes.starts(with: [0x49, 0x49, 43, 0]) || bytes.starts(with: [0x4d, 0x4d, 0, 43]) { return .tiff }
        guard bytes.starts(with: [0x49, 0x49, 42, 0]) || bytes.starts(with: [0x4d, 0x4d, 0, 42]) else { return nil }
        if bytes.hasASCII("CR", at: 8) { return .raw }
        guard let structure = EXIF(Array(bytes)) else { return .tiff }
        let tags = Set(structure.entries(of: .main).map(\.tag))
        return tags.contains(0xc612) || tags.isSuperset(of: [0x00fe, 0x014a, 0x010f]) ? .raw : .tiff
    }

    private static func text(_ bytes: UnsafeRawBufferPointer) -> ForeignFormat? {
        let start = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? bytes.dropFirst(3) : bytes[...]
        let trimmed = start.drop { $0.isPNMSpace }
        guard trimmed.first == UInt8(ascii: "<") else { return nil }
        let text = String(decoding: trimmed, as: UTF8.self).lowercased()
        if text.contains("<svg") && (text.hasPrefix("<svg") || text.hasPrefix("<?xml") || text.hasPrefix("<!")) {
            return .svg
        }
        return text.contains("<html") || text.hasPrefix("<!doctype html") || text.contains("<head") ? .html : nil
    }
}
