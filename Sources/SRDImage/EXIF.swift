/// A TIFF structure: EXIF data, or the start of a TIFF file. Values are read and changed in place, so that everything
/// else stays byte for byte. Offsets are checked before every access; directories are never followed in a loop.
struct EXIF {
    private(set) var bytes: [UInt8]
    private let isLittleEndian: Bool

    enum Directory { case main, thumbnail, exif, gps, interoperability }

    struct Entry {
        /// Position of the 12 bytes of the entry.
        let position: Int
        let tag: Int
        let type: Int
        let count: Int
        /// Where the values are: in the entry itself if they take at most four bytes.
        let values: Range<Int>
    }

    /// Returns nil unless the bytes start with a TIFF header.
    init?(_ bytes: [UInt8]) {
        guard bytes.count >= 8, bytes[0] == bytes[1], bytes[0] == 0x49 || bytes[0] == 0x4d else { return nil }
        self.bytes = bytes
        isLittleEndian = bytes[0] == 0x49
        guard number(at: 2, size: 2) == 42, let first = number(at: 4, size: 4), first >= 8, first <= bytes.count - 2
        else {
            return nil
        }
    }
}

// MARK: - Reading

extension EXIF {
    /// Entries of a directory that are read. Cameras write fewer than a hundred.
    private static let entryLimit = 1000

    /// The entries of a directory; those whose values lie outside of the data are left out.
    func entries(of directory: Directory) -> [Entry] {
        guard let start = offset(of: directory), let count = number(at: start, size: 2) else { return [] }
        return (0..<min(count, Self.entryLimit)).compactMap { entry(at: start + 2 + 12 * $0) }
    }

    /// The first value of a SHORT or LONG entry.
    func value(_ tag: Int, in directory: Directory) -> Int? {
        entries(of: directory).first { $0.tag == tag }
            .flatMap { number(at: $0.values.lowerBound, size: $0.type == 3 ? 2 : 4) }
    }

    private func offset(of directory: Directory) -> Int? {
        switch directory {
        case .main: number(at: 4, size: 4)
        case .thumbnail: linkPosition.flatMap { number(at: $0, size: 4) }.flatMap { $0 == 0 ? nil : $0 }
        case .exif: value(0x8769, in: .main)
        case .gps: value(0x8825, in: .main)
        case .interoperability: value(0xa005, in: .exif)
        }
    }

    /// Where the main directory holds the offset of the thumbnail's directory.
    private var linkPosition: Int? {
        guard let start = number(at: 4, size: 4), let count = number(at: start, size: 2) else { return nil }
        let position = start + 2 + 12 * count
        return position <= bytes.count - 4 ? position : nil
    }

    private func entry(at position: Int) -> Entry? {
        guard let tag = number(at: position, size: 2), let type = number(at: position + 2, size: 2),
            let count = number(at: position + 4, size: 4), let offset = number(at: position + 8, size: 4)
        else { return nil }
        let sizes = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8]  // of the types 1 to 12
        guard type > 0, type < sizes.count else { return nil }
        let size = count * sizes[type]  // at most 2³⁵
        let start = size <= 4 ? position + 8 : offset
        guard start <= bytes.count, size <= bytes.count - start else { return nil }
        return Entry(position: position, tag: tag, type: type, count: count, values: start..<start + size)
    }

    func number(at position: Int, size: Int) -> Int? {
        guard position >= 0, position <= bytes.count - size else { return nil }
        let field = bytes[position..<position + size]
        return isLittleEndian ? field.reversed().reduce(0) { $0 << 8 | Int($1) } : field.reduce(0) { $0 << 8 | Int($1) }
    }

    mutating func set(_ value: Int, at position: Int, size: Int) {
        for i in 0..<size {
            bytes[position + (isLittleEndian ? i : size - 1 - i)] = UInt8(truncatingIfNeeded: value >> (8 * i))
        }
    }
}

// MARK: - Orientation and dimensions

extension EXIF {
    /// 1 to 8, or nil.
    var orientation: Int? {
        get { value(0x0112, in: .main).flatMap { (1...8).contains($0) ? $0 : nil } }
        set {
            guard let newValue, let entry = entries(of: .main).first(where: { $0.tag == 0x0112 }), entry.type == 3,
                entry.count == 1
            else { return }
            set(newValue, at: entry.values.lowerBound, size: 2)
        }
    }

    /// Updates the tags that hold the image's size, where they are present.
    mutating func setPixelDimensions(width: Int, height: Int) {
        let tags = [
            (Directory.main, 0x0100, width), (.main, 0x0101, height), (.exif, 0xa002, width), (.exif, 0xa003, height),
        ]
        for (directory, tag, value) in tags {
            for entry in entries(of: directory)
            where entry.tag == tag && entry.count == 1 && (entry.type == 3 || entry.type == 4) {
                let isLong = entry.type == 4 || value > 65535
                if isLong { set(4, at: entry.position + 2, size: 2) }
                set(value, at: entry.values.lowerBound, size: isLong ? 4 : 2)
            }
        }
    }
}

// MARK: - Thumbnail

extension EXIF {
    /// Removes the thumbnail: it would show the image before upscaling. Its bytes are cut off if they are the last
    /// ones, as usual, and overwritten with zeros otherwise.
    mutating func removeThumbnail() {
        guard let link = linkPosition, let start = offset(of: .thumbnail) else { return }
        var regions = entries(of: .thumbnail).map(\.values)
        if let count = number(at: start, size: 2) {
            regions.append(start..<min(start + 2 + 12 * count + 4, bytes.count))
        }
        if let data = value(0x0201, in: .thumbnail), let count = value(0x0202, in: .thumbnail), data <= bytes.count {
            regions.append(data..<data + min(count, bytes.count - data))
        }
        set(0, at: link, size: 4)

        let kept = keptRegions
        let removed = regions.filter { region in !region.isEmpty && !kept.contains { $0.overlaps(region) } }
        for region in removed { bytes.replaceSubrange(region, with: repeatElement(0, count: region.count)) }
        let keptEnd = kept.map(\.upperBound).max() ?? 0
        for region in removed.sorted(by: { $0.upperBound > $1.upperBound }) {
            // Values start at even offsets, so a zero may follow the last ones.
            let isPadded = region.upperBound == bytes.count - 1 && bytes.last == 0 && keptEnd < bytes.count
            if region.upperBound == bytes.count || isPadded { bytes.removeSubrange(region.lowerBound...) }
        }
    }

    private var keptRegions: [Range<Int>] {
        [0..<8]
            + [Directory.main, .exif, .gps, .interoperability].flatMap { directory in
                guard let start = offset(of: directory), let count = number(at: start, size: 2) else {
                    return [Range<Int>]()
                }
                return [start..<start + 2 + 12 * count + 4] + entries(of: directory).map(\.values)
            }
    }
}
