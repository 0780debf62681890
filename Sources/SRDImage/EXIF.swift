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

    /// nil unless it starts with a TIFF header.
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
        guard let entry = entries(of: directory).first(where: { $0.tag == tag }) else { return nil }
        return number(at: entry.values.lowerBound, size: entry.type == 3 ? 2 : 4)
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

    private func number(at position: Int, size: Int) -> Int? {
        guard position >= 0, position <= bytes.count - size else { return nil }
        let field = bytes[position..<position + size]
        return isLittleEndian ? field.reversed().reduce(0) { $0 << 8 | Int($1) } : field.reduce(0) { $0 << 8 | Int($1) }
    }

    private mutating func set(_ value: Int, at position: Int, size: Int) {
        for i in 0..<size {
            bytes[position + (isLittleEndian ? i : size - 1 - i)] = UInt8(truncatingIfNeeded: value >> (8 * i))
        }
    }
}

// MARK: - Orientation, dimensions, resolution

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

    /// Multiplies the resolution of the image and of the focal plane, where they are present.
    mutating func scaleResolution(x: Double, y: Double) {
        let tags = [(Directory.main, 0x011a, x), (.main, 0x011b, y), (.exif, 0xa20e, x), (.exif, 0xa20f, y)]
        for (directory, tag, factor) in tags {
            for entry in entries(of: directory) where entry.tag == tag && entry.type == 5 && entry.count == 1 {
                scaleRational(at: entry.values.lowerBound, by: factor)
            }
        }
    }

    private mutating func scaleRational(at position: Int, by factor: Double) {
        guard let numerator = number(at: position, size: 4), let denominator = number(at: position + 4, size: 4) else {
            return
        }
        // A fractional factor is given three decimal places if there is room for them.
        let exact = Double(numerator) * factor
        let precision = exact == exact.rounded() ? 1 : 1000
        if exact * Double(precision) <= Double(UInt32.max), denominator * precision <= Int(UInt32.max) {
            set(Int((exact * Double(precision)).rounded()), at: position, size: 4)
            set(denominator * precision, at: position + 4, size: 4)
        } else {
            set(Int(min(exact.rounded(), Double(UInt32.max))), at: position, size: 4)
        }
    }

    /// The resolution of the main image, in pixels per metre.
    var density: PixelDensity? {
        func resolution(_ tag: Int) -> Double? {
            guard let entry = entries(of: .main).first(where: { $0.tag == tag && $0.type == 5 }),
                let numerator = number(at: entry.values.lowerBound, size: 4),
                let denominator = number(at: entry.values.lowerBound + 4, size: 4), denominator > 0
            else { return nil }
            return Double(numerator) / Double(denominator)
        }
        // Unit 1 has no absolute size, 2 is inches (the default), 3 centimetres.
        let perMetre: Double? =
            switch value(0x0128, in: .main) ?? 2 {
            case 2: 1 / 0.0254
            case 3: 100
            default: nil
            }
        guard let perMetre, let x = resolution(0x011a), let y = resolution(0x011b) else { return nil }
        let values = [x * perMetre, y * perMetre].map { $0.rounded() }
        guard values.allSatisfy({ $0 >= 1 && $0 <= Double(Int32.max) }) else { return nil }
        return PixelDensity(x: UInt32(values[0]), y: UInt32(values[1]), isPerMetre: true)
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
