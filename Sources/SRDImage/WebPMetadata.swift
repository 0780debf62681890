extension ImageMetadata {
    /// Metadata of a WebP file: ICC profile, EXIF and XMP.
    init(webP bytes: UnsafeRawBufferPointer, onWarning: (String) -> Void) {
        for chunk in WebPChunks(bytes) {
            guard ["ICCP", "EXIF", "XMP "].contains(chunk.type) else { continue }
            guard chunk.isComplete, chunk.data.count <= Self.profileLimit else {
                onWarning("damaged or too large \(chunk.type) chunk dropped")
                continue
            }
            switch chunk.type {
            case "ICCP": if colorProfile == nil { colorProfile = Array(chunk.data) }
            case "XMP ": if xmp == nil { xmp = Array(chunk.data) }
            default:
                guard exif == nil else { continue }
                // Some software writes the prefix that belongs to JPEG.
                let data = Array(chunk.data.after(JPEGMarker.exifPrefix) ?? chunk.data)
                if EXIF(data) != nil { exif = data } else { onWarning("invalid EXIF data dropped") }
            }
        }
    }

    /// Puts the chunks of an encoder's file into a file with the metadata. Texts become XMP properties.
    func webPFile(
        around file: UnsafeRawBufferPointer, width: Int, height: Int, hasAlpha: Bool, onWarning: (String) -> Void
    ) throws(ImageError) -> [UInt8] {
        if !segments.isEmpty {
            onWarning("WebP has no place for JPEG comments, Photoshop data and extended XMP: dropped")
        }
        let texts = chunks.compactMap(ImageText.init).filter { $0.keyword != Self.xmpKeyword }
        let packet = XMP.adding(texts, to: xmp)
        if packet == nil && !texts.isEmpty { onWarning("the XMP packet is not RDF: texts are dropped") }
        let xmpData = packet ?? xmp
        var profile = colorProfile
        if let data = profile, !Self.describes(data, isColor: true) {
            onWarning("colour profile dropped: WebP stores gray as RGB")
            profile = nil
        }

        let image = WebPChunks(file).filter { ["VP8 ", "VP8L", "ALPH"].contains($0.type) }
            .flatMap { WebPChunks.chunk($0.type, $0.data) }
        guard profile != nil || exif != nil || xmpData != nil else { return Array(file) }
        var flags: UInt8 = hasAlpha ? WebPLayout.Flag.alpha : 0
        if profile != nil { flags |= WebPLayout.Flag.profile }
        if exif != nil { flags |= WebPLayout.Flag.exif }
        if xmpData != nil { flags |= WebPLayout.Flag.xmp }
        return WebPChunks.file(
            WebPChunks.extended(flags: flags, width: width, height: height)
                + (profile.map { WebPChunks.chunk("ICCP", $0) } ?? []) + image
                + (exif.map { WebPChunks.chunk("EXIF", $0) } ?? [])
                + (xmpData.map { WebPChunks.chunk("XMP ", $0) } ?? []))
    }
}
