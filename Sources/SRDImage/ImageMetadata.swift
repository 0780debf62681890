/// What a PNG says about its pixels: the chunks named in `kept`, byte for byte and in the file's order.
/// PNG only: PPM and PGM have none. Empty it by assigning `ImageMetadata()`.
public struct ImageMetadata: Equatable, Sendable {
    public struct Chunk: Equatable, Sendable {
        /// Four letters, such as "iCCP".
        public let type: String
        public let data: [UInt8]

        public init(type: String, data: [UInt8]) {
            self.type = type
            self.data = data
        }
    }

    public private(set) var chunks: [Chunk] = []

    public init() {}
}

/// A comment or other text of a PNG.
public struct ImageText: Equatable, Sendable {
    /// Latin-1, compressed Latin-1, and UTF-8.
    public enum Kind: String, Sendable { case tEXt, zTXt, iTXt }

    public let kind: Kind
    public let keyword: String
    /// nil where compressed: it is kept, but we have no use for reading it.
    public let text: String?

    public init(kind: Kind, keyword: String, text: String?) {
        self.kind = kind
        self.keyword = keyword
        self.text = text
    }
}

/// A PNG's pHYs: pixels per metre, or only their ratio where the unit is unknown.
public struct PixelDensity: Equatable, Sendable {
    public var x: UInt32
    public var y: UInt32
    public var isPerMetre: Bool

    public init(x: UInt32, y: UInt32, isPerMetre: Bool) {
        self.x = x
        self.y = y
        self.isPerMetre = isPerMetre
    }
}

// MARK: - Texts

extension ImageMetadata {
    public var texts: [ImageText] { chunks.compactMap(ImageText.init) }

    /// Appends a tEXt, or an uncompressed iTXt where the text goes beyond Latin-1.
    /// The keyword must be 1…79 printable Latin-1 characters. A NUL would end the text, so NULs are dropped.
    public mutating func addText(keyword: String, _ text: String) {
        let keyword = keyword.unicodeScalars.map { UInt8($0.value) }
        precondition((1...79).contains(keyword.count) && keyword.allSatisfy { (32...126).contains($0) || $0 >= 161 })
        let scalars = text.unicodeScalars.filter { $0 != "\0" }
        if scalars.allSatisfy({ $0.value < 256 }) {
            chunks.append(Chunk(type: "tEXt", data: keyword + [0] + scalars.map { UInt8($0.value) }))
        } else {
            // NUL, not compressed, method 0, no language, no translated keyword
            chunks.append(Chunk(type: "iTXt", data: keyword + [0, 0, 0, 0, 0] + String(String.UnicodeScalarView(scalars)).utf8))
        }
    }
}

extension ImageText {
    /// nil when the chunk holds no text, or a damaged one.
    init?(_ chunk: ImageMetadata.Chunk) {
        guard let kind = Kind(rawValue: chunk.type) else { return nil }
        // tEXt: keyword NUL text.  zTXt: keyword NUL method compressed.
        // iTXt: keyword NUL is-compressed method language NUL translated-keyword NUL text.
        let fields = chunk.data.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
        guard fields.count == 2 else { return nil }
        self.kind = kind
        keyword = String(latin1: fields[0])
        switch kind {
        case .tEXt:
            text = String(latin1: fields[1])
        case .zTXt:
            text = nil
        case .iTXt:
            let rest = fields[1].dropFirst(2).split(separator: 0, maxSplits: 2, omittingEmptySubsequences: false)
            guard rest.count == 3, let isCompressed = fields[1].first else { return nil }
            text = isCompressed == 0 ? String(decoding: rest[2], as: UTF8.self) : nil
        }
    }
}

extension String {
    fileprivate init(latin1 bytes: some Sequence<UInt8>) {
        self.init(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
    }
}

// MARK: - Density

extension ImageMetadata {
    public var pixelDensity: PixelDensity? {
        get {
            guard let data = chunks.first(where: { $0.type == "pHYs" })?.data, data.count == 9 else { return nil }
            return PixelDensity(x: UInt32(bigEndian: data[0..<4]), y: UInt32(bigEndian: data[4..<8]), isPerMetre: data[8] == 1)
        }
        set {
            let place = chunks.firstIndex { $0.type == "pHYs" } ?? chunks.count
            chunks.removeAll { $0.type == "pHYs" }
            guard let new = newValue else { return }
            let data = new.x.bigEndianBytes + new.y.bigEndianBytes + [new.isPerMetre ? 1 : 0]
            chunks.insert(Chunk(type: "pHYs", data: data), at: place)
        }
    }

    /// Keeps the printed size of an image with `factor` times as many pixels a side.
    public mutating func scalePixelDensity(by factor: Double) {
        scalePixelDensity(x: factor, y: factor)
    }

    mutating func scalePixelDensity(x: Double, y: Double) {
        guard var density = pixelDensity, density.isPerMetre || x != y else { return }
        func scaled(_ value: UInt32, _ factor: Double) -> UInt32 {
            UInt32(min((Double(value) * factor).rounded(), Double(Int32.max)))  // PNG's greatest integer
        }
        density.x = scaled(density.x, x)
        density.y = scaled(density.y, y)
        pixelDensity = density
    }
}

extension UInt32 {
    init(bigEndian bytes: some Sequence<UInt8>) {
        self = bytes.reduce(0) { $0 << 8 | UInt32($1) }
    }

    fileprivate var bigEndianBytes: [UInt8] { [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: self >> $0) } }
}

// MARK: - Chunks of a file

extension ImageMetadata {
    /// Chunks that stay true when pixels change, and their sizes where fixed. Others are dropped: sBIT, bKGD, hIST, tIME, ….
    static let kept: [String: Int?] = [
        "cICP": 4, "iCCP": nil, "sRGB": 1, "gAMA": 4, "cHRM": 32, "mDCV": 24, "cLLI": 8,
        "pHYs": 9, "eXIf": nil, "tEXt": nil, "zTXt": nil, "iTXt": nil
    ]

    /// From a PNG file that libpng found sound. Of what a file may have only once, the first counts.
    init(png bytes: UnsafeRawBufferPointer) {
        var rest = bytes.dropFirst(8)
        while rest.count >= 12 {
            let count = Int(UInt32(bigEndian: rest.prefix(4)))
            let type = String(decoding: rest.dropFirst(4).prefix(4), as: UTF8.self)
            guard type != "IEND", count <= rest.count - 12 else { return }
            append(Chunk(type: type, data: Array(rest.dropFirst(8).prefix(count))))
            rest = rest.dropFirst(12 + count)
        }
    }

    private mutating func append(_ chunk: Chunk) {
        guard let size = Self.kept[chunk.type], size == nil || size == chunk.data.count else { return }
        let mayRepeat = ImageText.Kind(rawValue: chunk.type) != nil
        guard mayRepeat || !chunks.contains(where: { $0.type == chunk.type }) else { return }
        chunks.append(chunk)
    }
}
