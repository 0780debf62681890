/// What an image file says about its pixels: colour profile, EXIF, XMP, resolution, texts.
///
/// **Colour.** A profile is kept as it is, and pixels are processed in the encoding that they are stored in; nothing is
/// converted to another colour space.
///
/// **Orientation.** Pixels stay as they are stored, and the orientation tag of EXIF is kept, in JPEG, PNG and WebP
/// alike. A viewer therefore shows the output as it shows the input. Formats without metadata lose the tag: call
/// `Image.withOrientationApplied()` before writing PNM or before emptying the metadata.
///
/// **Conversion.** Everything is held as PNG chunks, because PNG has a place for nearly all of it. JPEG and WebP data
/// is converted when it is read and written; ICC profiles, EXIF and XMP pass byte for byte. The segments that only JPEG
/// can hold (comments, Photoshop and IPTC data, extended XMP) are kept separately.
///
/// Assign `ImageMetadata()` to remove everything.
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

    /// A JPEG marker segment without its length.
    struct Segment: Equatable, Sendable {
        let marker: UInt8
        let payload: [UInt8]
    }

    public private(set) var chunks: [Chunk] = []
    var segments: [Segment] = []

    public init() {}
}

extension ImageMetadata {
    /// Reads the metadata of a file of any `ImageFormat` without decoding its pixels; empty for other files.
    public init(parsing bytes: UnsafeRawBufferPointer, onWarning: (String) -> Void = { _ in }) {
        switch ImageFormat(sniffing: bytes) {
        case .png: self.init(png: bytes, onWarning: onWarning)
        case .jpeg: self.init(jpeg: bytes, onWarning: onWarning)
        case .webP: self.init(webP: bytes, onWarning: onWarning)
        case .pnm, nil: self.init()
        }
    }

    /// EXIF as a TIFF structure, without the "Exif" prefix of JPEG.
    public var exif: [UInt8]? {
        get { chunks.first { $0.type == "eXIf" }?.data }
        set { newValue.map { replace("eXIf", with: $0) } ?? remove("eXIf") }
    }

    /// EXIF's orientation, 1 to 8. 1 is upright; nil if there is none.
    public var orientation: Int? {
        get { exif.flatMap(EXIF.init)?.orientation }
        set {
            guard var structure = exif.flatMap(EXIF.init) else { return }
            structure.orientation = newValue
            exif = structure.bytes
        }
    }

    /// An XMP packet.
    public var xmp: [UInt8]? {
        get { chunks.lazy.filter { $0.type == "iTXt" }.compactMap(XMP.packet).first }
        set {
            chunks.removeAll { $0.type == "iTXt" && $0.data.starts(with: Self.xmpKeyword.utf8) }
            if let newValue { add("iTXt", Array(Self.xmpKeyword.utf8) + [0, 0, 0, 0, 0] + newValue) }
        }
    }

    /// JPEG comments, as stored.
    var comments: [[UInt8]] { segments.filter { $0.marker == JPEGMarker.comment }.map(\.payload) }

    mutating func add(_ type: String, _ data: [UInt8]) {
        chunks.append(Chunk(type: type, data: data))
    }

    /// Replaces the first chunk of this type in its place and removes the others.
    mutating func replace(_ type: String, with data: [UInt8]) {
        let place = chunks.firstIndex { $0.type == type } ?? chunks.count
        chunks.removeAll { $0.type == type }
        chunks.insert(Chunk(type: type, data: data), at: place)
    }

    mutating func remove(_ chunk: Chunk) {
        chunks.removeAll { $0 == chunk }
    }

    mutating func remove(_ type: String) {
        chunks.removeAll { $0.type == type }
    }

    /// The metadata for a file with these dimensions: EXIF says so, and has no thumbnail of the image before.
    func updated(width: Int, height: Int) -> ImageMetadata {
        guard var structure = exif.flatMap(EXIF.init) else { return self }
        structure.removeThumbnail()
        structure.setPixelDimensions(width: width, height: height)
        var metadata = self
        metadata.exif = structure.bytes
        return metadata
    }
}
