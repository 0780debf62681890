extension ImageMetadata {
    /// Metadata of a JPEG file: JFIF resolution, EXIF, XMP, ICC profile, Photoshop and IPTC data, comments. Thumbnails
    /// of JFIF, FlashPix and further images (MPF) are dropped.
    init(jpeg bytes: UnsafeRawBufferPointer, onWarning: (String) -> Void) {
        var profile: [Int: UnsafeRawBufferPointer] = [:]
        var profileCount: Int?
        var rest = Self.byteLimit
        for segment in JPEGSegments(bytes) {
            rest -= segment.payload.count
            guard rest >= 0 else {
                onWarning("metadata beyond \(Self.byteLimit >> 20) MB dropped")
                break
            }
            switch segment.marker {
            case JPEGMarker.app0:
                if let density = PixelDensity(jfif: segment.payload) { pixelDensity = density }
            case JPEGMarker.app1:
                if let data = segment.payload.after(JPEGMarker.exifPrefix) {
                    guard !chunks.contains(where: { $0.type == "eXIf" }) else { continue }
                    let data = Array(data)
                    if EXIF(data) != nil { exif = data } else { onWarning("invalid EXIF data dropped") }
                } else if let data = segment.payload.after(JPEGMarker.xmpPrefix) {
                    if xmp == nil { xmp = Array(data) }
                } else if segment.payload.starts(with: JPEGMarker.extendedXMPPrefix) {
                    segments.append(Segment(marker: segment.marker, payload: Array(segment.payload)))
                }
            case JPEGMarker.app2:
                // Sequence number from 1, number of segments, data.
                guard let data = segment.payload.after(JPEGMarker.profilePrefix), data.count > 2 else { continue }
                profile[Int(data[0])] = UnsafeRawBufferPointer(rebasing: data.dropFirst(2))
                profileCount = max(profileCount ?? 0, Int(data[1]))
            case JPEGMarker.app13:
                guard segment.payload.starts(with: JPEGMarker.photoshopPrefix) else { continue }
                segments.append(Segment(marker: segment.marker, payload: Array(segment.payload)))
            case JPEGMarker.comment:
                segments.append(Segment(marker: segment.marker, payload: Array(segment.payload)))
            default: break
            }
        }
        // Viewers of PNG read pHYs rather than EXIF.
        if !chunks.contains(where: { $0.type == "pHYs" }), let density = pixelDensity { pixelDensity = density }
        guard let profileCount else { return }
        let parts = (1...max(1, profileCount)).map { profile[$0] }
        if parts.contains(where: { $0 == nil }) || profile.count != profileCount {
            onWarning("incomplete colour profile dropped")
        } else {
            colorProfile = parts.flatMap { $0.map(Array.init) ?? [] }
        }
    }

    /// The segments of a JPEG file between SOI and the first table.
    func jpegSegments(isColor: Bool, onWarning: (String) -> Void) -> [UInt8] {
        var out: [UInt8] = []
        func append(_ name: String, _ marker: UInt8, _ prefix: [UInt8], _ data: some Collection<UInt8>) {
            guard prefix.count + data.count <= JPEGMarker.payloadLimit else {
                return onWarning("\(name) of \(data.count) bytes exceeds a JPEG segment: dropped")
            }
            out += [0xff, marker] + UInt16(2 + prefix.count + data.count).bigEndianBytes + prefix + data
        }
        append("JFIF", JPEGMarker.app0, Array("JFIF\0".utf8), [1, 2] + PixelDensity.jfif(pixelDensity) + [0, 0])
        if let exif { append("EXIF", JPEGMarker.app1, JPEGMarker.exifPrefix, exif) }
        if let xmp { append("XMP", JPEGMarker.app1, JPEGMarker.xmpPrefix, xmp) }
        for segment in segments where segment.marker == JPEGMarker.app1 {
            append("XMP", segment.marker, [], segment.payload)
        }
        if let profile = colorProfile {
            appendProfile(profile, isColor: isColor, onWarning: onWarning) {
                append("ICC profile", JPEGMarker.app2, $0, $1)
            }
        }
        for segment in segments where segment.marker == JPEGMarker.app13 {
            append("Photoshop data", segment.marker, [], segment.payload)
        }
        for comment in comments { append("comment", JPEGMarker.comment, [], comment) }
        for text in chunks.compactMap(ImageText.init) where text.keyword != Self.xmpKeyword {
            if let comment = text.comment { append("text \(text.keyword)", JPEGMarker.comment, [], comment) }
        }
        return out
    }

    private func appendProfile(
        _ profile: [UInt8], isColor: Bool, onWarning: (String) -> Void,
        append: (_ prefix: [UInt8], ArraySlice<UInt8>) -> Void
    ) {
        let limit = JPEGMarker.payloadLimit - JPEGMarker.profilePrefix.count - 2
        let count = (profile.count + limit - 1) / limit
        guard Self.describes(profile, isColor: isColor), count <= 255 else {
            return onWarning("colour profile dropped: it does not fit the image")
        }
        for i in 0..<count {
            append(
                JPEGMarker.profilePrefix + [UInt8(i + 1), UInt8(count)],
                profile[i * limit..<min((i + 1) * limit, profile.count)])
        }
    }
}

extension PixelDensity {
    /// From a JFIF segment: version, unit, horizontal and vertical density. nil if it is another segment or says
    /// nothing.
    init?(jfif payload: UnsafeRawBufferPointer) {
        guard payload.hasASCII("JFIF\0", at: 0), payload.count >= 12, let x = payload.bigEndian16(at: 8),
            let y = payload.bigEndian16(at: 10), x > 0, y > 0, payload[7] <= 2
        else { return nil }
        // Unit 0 is a ratio, 1 dots per inch, 2 dots per centimetre.
        guard payload[7] > 0 || x != y else { return nil }
        func value(_ density: Int) -> UInt32 {
            switch payload[7] {
            case 1: UInt32((Double(density) / 0.0254).rounded())
            case 2: UInt32(density * 100)
            default: UInt32(density)
            }
        }
        self.init(x: value(x), y: value(y), isPerMetre: payload[7] > 0)
    }

    /// Unit, horizontal and vertical density for JFIF.
    static func jfif(_ density: PixelDensity?) -> [UInt8] {
        guard let density else { return [0, 0, 1, 0, 1] }
        func field(_ value: Double) -> [UInt8] { UInt16(min(max(value.rounded(), 1), 65535)).bigEndianBytes }
        let x = Double(density.x)
        let y = Double(density.y)
        guard density.isPerMetre else {
            let scale = max(1, max(x, y) / 65535)
            return [0] + field(x / scale) + field(y / scale)
        }
        // Whole dots per inch become up to half a pixel per metre off in PNG; other values are stored per centimetre.
        let isInches = [x, y].allSatisfy { abs($0 * 0.0254 - ($0 * 0.0254).rounded()) < 0.013 }
        return !isInches && density.x % 100 == 0 && density.y % 100 == 0
            ? [2] + field(x / 100) + field(y / 100) : [1] + field(x * 0.0254) + field(y * 0.0254)
    }
}
