/// The resolution of an image: pixels per metre, or only their ratio if the unit is unknown.
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

extension ImageMetadata {
    /// The resolution from PNG's pHYs or JPEG's JFIF header, or from EXIF if neither is there.
    public var pixelDensity: PixelDensity? {
        get {
            guard let data = chunks.first(where: { $0.type == "pHYs" })?.data, data.count == 9 else {
                return exif.flatMap(EXIF.init)?.density
            }
            return PixelDensity(
                x: UInt32(bigEndian: data[0..<4]), y: UInt32(bigEndian: data[4..<8]), isPerMetre: data[8] == 1)
        }
        set {
            guard let new = newValue else { return remove("pHYs") }
            replace("pHYs", with: new.x.bigEndianBytes + new.y.bigEndianBytes + [new.isPerMetre ? 1 : 0])
        }
    }

    /// Keeps the printed size of an image with `factor` times as many pixels per side: updates the resolution,
    /// including the one in EXIF.
    public mutating func scalePixelDensity(by factor: Double) {
        scalePixelDensity(x: factor, y: factor)
    }

    mutating func scalePixelDensity(x: Double, y: Double) {
        if var structure = exif.flatMap(EXIF.init) {
            structure.scaleResolution(x: x, y: y)
            exif = structure.bytes
        }
        guard chunks.contains(where: { $0.type == "pHYs" }), var density = pixelDensity, density.isPerMetre || x != y
        else { return }
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
}
