import SRDImage

extension Image {
    /// Makes the image agree with the one it was upscaled from: x += up(low − down(x)), both MATLAB's bicubic, until
    /// down(x), rounded, is `low` itself (iterative back-projection, Irani & Peleg 1991). Alpha is left alone.
    ///
    /// A difference stays where black or white would have to be exceeded, and may stay by one level here and there, as
    /// rounding has it. 8 bits need about 10 iterations, 16 need 30. Holds 8 bytes for each sample of the image.
    ///
    /// - Parameter low: of the same kind, and smaller by a whole number. Traps otherwise.
    public func backProjected(onto low: Image, threads: Int) -> Image {
        let scale = width / low.width
        precondition(width == low.width * scale && height == low.height * scale)
        precondition(channels == low.channels && bitDepth == low.bitDepth)
        let colors = channels - (hasAlpha ? 1 : 0), channels = channels, most = Float(maximum),
            length = width * channels
        var high = self, values = samples.map { Float($0) }
        for _ in 0..<(bitDepth == 8 ? 10 : 30) {
            let reduced = high.resized(by: 1, over: scale)
            var differences = [Float](repeating: 0, count: low.samples.count), isLow = true
            for i in differences.indices where i % channels < colors && reduced.samples[i] != low.samples[i] {
                isLow = false
                differences[i] = Float(Int(low.samples[i]) - Int(reduced.samples[i]))
            }
            if isLow { break }
            let corrections = BicubicRows(differences, of: low, scaledBy: scale)
            values.updateRows(count: height, threads: threads) { y, row in
                var correction: [Double] = []
                corrections.rows(y..<y + 1, into: &correction)
                for i in row.indices { row[i] = max(0, min(most, row[i] + Float(correction[i]))) }
            }
            high.samples.updateRows(count: height, threads: threads) { [values] y, row in
                for i in row.indices { row[i] = UInt16(values[y * length + i].rounded(.toNearestOrEven)) }
            }
        }
        return high
    }
}
