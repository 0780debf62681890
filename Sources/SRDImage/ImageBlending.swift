extension Image {
    /// Returns (1 − w) · this + w · other, rounded to the nearest sample, ties to even.
    ///
    /// - Parameters:
    ///   - other: an image of the same size, channels and bit depth. Traps otherwise.
    ///   - blendsAlpha: whether alpha is blended too; otherwise this image's alpha stays.
    ///   - weight: w of a pixel, 0…1, by its index in row order.
    public func blended(with other: Image, blendsAlpha: Bool, weight: (_ pixel: Int) -> Float) -> Image {
        precondition(
            width == other.width && height == other.height && channels == other.channels && bitDepth == other.bitDepth)
        var blended = self
        let blendedChannels = channels - (hasAlpha && !blendsAlpha ? 1 : 0)
        for pixel in 0..<width * height {
            let w = weight(pixel)
            guard w != 0 else { continue }
            for i in pixel * channels..<pixel * channels + blendedChannels {
                let value = (1 - w) * Float(samples[i]) + w * Float(other.samples[i])
                blended.samples[i] = UInt16(value.rounded(.toNearestOrEven))
            }
        }
        return blended
    }
}
