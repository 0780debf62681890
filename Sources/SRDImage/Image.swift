/// Pixels of 8 or 16 bits as a file holds them, with what the file says about them.
public struct Image: Equatable, Sendable {
    public let width: Int
    public let height: Int
    /// 1 gray, 2 gray and alpha, 3 RGB, 4 RGBA. Alpha is not premultiplied.
    public let channels: Int
    /// 8 or 16.
    public let bitDepth: Int
    /// `[height][width][channels]`, each 0…`maximum`.
    public var samples: [UInt16]
    public var metadata: ImageMetadata

    /// Traps unless the sizes fit together: sizes from outside are checked before they get here.
    public init(
        width: Int, height: Int, channels: Int, bitDepth: Int, samples: [UInt16], metadata: ImageMetadata = .init()
    ) {
        precondition(width > 0 && height > 0 && (1...4).contains(channels) && (bitDepth == 8 || bitDepth == 16))
        precondition(samples.count == width * height * channels, "\(samples.count) samples")
        self.width = width
        self.height = height
        self.channels = channels
        self.bitDepth = bitDepth
        self.samples = samples
        self.metadata = metadata
    }
}

extension Image {
    /// The value of white and of full opacity: 255 or 65535.
    public var maximum: UInt16 { bitDepth == 8 ? 255 : 65535 }
    public var hasAlpha: Bool { channels == 2 || channels == 4 }
    public var hasColor: Bool { channels >= 3 }

    /// The upper left part. Traps when it is larger than the image.
    public func cropped(width: Int, height: Int) -> Image {
        cropped(x: 0, y: 0, width: width, height: height)
    }

    /// The part whose upper left corner is (x, y). Traps when it reaches beyond the image.
    public func cropped(x: Int, y: Int, width: Int, height: Int) -> Image {
        precondition(x >= 0 && y >= 0 && x + width <= self.width && y + height <= self.height)
        return window(columns: x..<x + width, rows: y..<y + height)
    }

    /// Returns the image in another kind: gray as equal red, green and blue, and back as their mean; opaque alpha added
    /// or alpha dropped; 8 bits as 16, and back rounded.
    public func converted(channels: Int, bitDepth: Int) -> Image {
        guard channels != self.channels || bitDepth != self.bitDepth else { return self }
        let isWider = bitDepth > self.bitDepth, isNarrower = bitDepth < self.bitDepth
        func sample(_ value: UInt32) -> UInt16 {
            UInt16(isWider ? value * 257 : isNarrower ? (value + 128) / 257 : value)
        }
        var out: [UInt16] = []
        out.reserveCapacity(width * height * channels)
        for pixel in stride(from: 0, to: samples.count, by: self.channels) {
            let colors = (0..<3).map { UInt32(samples[pixel + (hasColor ? $0 : 0)]) }
            if channels >= 3 {
                for color in colors { out.append(sample(color)) }
            } else {
                out.append(sample((colors[0] + colors[1] + colors[2] + 1) / 3))
            }
            if channels % 2 == 0 { out.append(sample(UInt32(hasAlpha ? samples[pixel + self.channels - 1] : maximum))) }
        }
        return Image(
            width: width, height: height, channels: channels, bitDepth: bitDepth, samples: out, metadata: metadata
        )
    }

    /// Larger at the right and bottom by mirroring, borders repeated: …b a │ a b…. Traps when it is smaller than the
    /// image.
    public func padded(width: Int, height: Int) -> Image {
        precondition(width >= self.width && height >= self.height)
        return window(columns: 0..<width, rows: 0..<height)
    }

    /// Some columns and rows of the image, which mirroring continues at the right and bottom as in `padded`. Traps
    /// unless the first column and row lie in the image.
    public func window(columns: Range<Int>, rows: Range<Int>) -> Image {
        precondition((0..<width).contains(columns.lowerBound) && (0..<height).contains(rows.lowerBound))
        guard columns != 0..<width || rows != 0..<height else { return self }
        var out: [UInt16] = []
        out.reserveCapacity(columns.count * rows.count * channels)
        let inside = columns.lowerBound..<min(columns.upperBound, width)
        for y in rows {
            let row = mirrored(y, count: height) * width * channels
            out += samples[row + inside.lowerBound * channels..<row + inside.upperBound * channels]
            for x in inside.upperBound..<columns.upperBound {
                let pixel = row + mirrored(x, count: width) * channels
                out += samples[pixel..<pixel + channels]
            }
        }
        return Image(
            width: columns.count, height: rows.count, channels: channels, bitDepth: bitDepth, samples: out,
            metadata: metadata
        )
    }
}

/// The place of `index` in a row of `count` whose mirror image continues it for ever: …b a │ a b c │ c b….
func mirrored(_ index: Int, count: Int) -> Int {
    let place = index % (2 * count)
    let forward = place < 0 ? place + 2 * count : place
    return forward < count ? forward : 2 * count - 1 - forward
}
