extension Image {
    /// The image rotated and mirrored as EXIF's orientation says, with the tag set to 1 (upright).
    ///
    /// Use it before writing a format without metadata, or before removing the metadata. Otherwise keep the tag: pixels
    /// then stay as the camera stored them.
    public func withOrientationApplied() -> Image {
        guard let orientation = metadata.orientation, orientation > 1 else { return self }
        // Orientations 5 to 8 exchange rows and columns. The other two facts say where the first row and column start.
        let isTransposed = orientation >= 5
        let startsAtRight = [2, 3, 7, 8].contains(orientation)
        let startsAtBottom = [3, 4, 6, 7].contains(orientation)
        let newWidth = isTransposed ? height : width
        let newHeight = isTransposed ? width : height
        var out: [UInt16] = []
        out.reserveCapacity(samples.count)
        for y in 0..<newHeight {
            for x in 0..<newWidth {
                let column = isTransposed ? y : x
                let row = isTransposed ? x : y
                let pixel =
                    (startsAtBottom ? height - 1 - row : row) * width + (startsAtRight ? width - 1 - column : column)
                out += samples[pixel * channels..<(pixel + 1) * channels]
            }
        }
        var metadata = metadata
        metadata.orientation = 1
        if isTransposed, let density = metadata.pixelDensity, density.x != density.y {
            metadata.pixelDensity = PixelDensity(x: density.y, y: density.x, isPerMetre: density.isPerMetre)
        }
        return Image(
            width: newWidth, height: newHeight, channels: channels, bitDepth: bitDepth, samples: out, metadata: metadata
        )
    }
}
