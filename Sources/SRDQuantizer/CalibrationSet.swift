import SRDFile
import SRDImage

/// Small low-resolution pictures that the converter watches the float model at work on.
public struct CalibrationSet: Sendable {
    public let pictures: [Picture]
    /// In words, for the file and the report.
    public let description: String

    /// Cuts one patch of at most `side` × `side` pixels out of each picture, at a place that `seed` decides.
    public init(_ pictures: [Picture], side: Int, seed: UInt64, description: String) {
        var state = seed
        func random(below count: Int) -> Int {        // SplitMix64
            state &+= 0x9e37_79b9_7f4a_7c15
            var z = state
            z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
            z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
            return Int((z ^ (z >> 31)) % UInt64(count))
        }
        self.pictures = pictures.map { picture in
            let width = min(side, picture.width), height = min(side, picture.height)
            let x = random(below: picture.width - width + 1), y = random(below: picture.height - height + 1)
            return picture.patch(x: x, y: y, width: width, height: height)
        }
        self.description = description
    }

    /// Of the patches' sizes and samples.
    public var sha256: String {
        var sha = SHA256()
        for picture in pictures {
            let sizes = [picture.width, picture.height, picture.channels, picture.bitDepth].map { UInt16($0) }
            for words in [sizes, picture.samples] {
                words.map(\.littleEndian).withUnsafeBytes { sha.update($0) }
            }
        }
        return sha.hexDigest()
    }
}

extension Picture {
    /// What a high-resolution picture looks like to the model: cropped to a multiple of the scale and reduced; nil where nothing is left.
    public func lowResolution(scale: Int) -> Picture? {
        let width = self.width / scale * scale, height = self.height / scale * scale
        guard width > 0, height > 0 else { return nil }
        return cropped(width: width, height: height).resized(by: 1, over: scale)
    }

    func patch(x: Int, y: Int, width: Int, height: Int) -> Picture {
        var out: [UInt16] = []
        out.reserveCapacity(width * height * channels)
        for row in y..<y + height {
            let start = (row * self.width + x) * channels
            out += samples[start..<start + width * channels]
        }
        return Picture(width: width, height: height, channels: channels, bitDepth: bitDepth, samples: out)
    }
}
