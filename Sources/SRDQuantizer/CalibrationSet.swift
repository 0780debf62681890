import SRDFile
import SRDImage

/// Small low-resolution pictures that the converter watches the float model at work on.
public struct CalibrationSet: Sendable {
    /// What the model is given.
    public let pictures: [Picture]
    /// What each was reduced from; empty where nobody knows.
    public let originals: [Picture]
    /// In words, for the file and the report.
    public let description: String

    /// Low-resolution pictures: one patch of at most `side` × `side` pixels of each, at a place that `seed` decides.
    public init(lowResolution pictures: [Picture], side: Int, seed: UInt64, description: String) {
        var random = PatchRandom(state: seed)
        self.pictures = pictures.map { random.patch(of: $0, width: min(side, $0.width), height: min(side, $0.height), step: 1) }
        originals = []
        self.description = description
    }

    /// Pictures as they should become: a patch of each is reduced by `scale`, to at most `side` × `side` pixels.
    /// Pictures smaller than one pixel of that are left out.
    public init(originals pictures: [Picture], scale: Int, side: Int, seed: UInt64, description: String) {
        var random = PatchRandom(state: seed)
        originals = pictures.filter { $0.width >= scale && $0.height >= scale }.map { picture in
            let width = min(side, picture.width / scale) * scale, height = min(side, picture.height / scale) * scale
            return random.patch(of: picture, width: width, height: height, step: scale)
        }
        self.pictures = originals.map { $0.resized(by: 1, over: scale) }
        self.description = description
    }

    private init(pictures: [Picture], originals: [Picture], description: String) {
        self.pictures = pictures
        self.originals = originals
        self.description = description
    }

    public func prefix(_ count: Int) -> CalibrationSet {
        CalibrationSet(pictures: Array(pictures.prefix(count)), originals: Array(originals.prefix(count)), description: description)
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

/// SplitMix64.
private struct PatchRandom {
    var state: UInt64

    private mutating func next(below count: Int) -> Int {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return Int((z ^ (z >> 31)) % UInt64(count))
    }

    mutating func patch(of picture: Picture, width: Int, height: Int, step: Int) -> Picture {
        let x = next(below: (picture.width - width) / step + 1) * step, y = next(below: (picture.height - height) / step + 1) * step
        var out: [UInt16] = []
        out.reserveCapacity(width * height * picture.channels)
        for row in y..<y + height {
            let start = (row * picture.width + x) * picture.channels
            out += picture.samples[start..<start + width * picture.channels]
        }
        return Picture(width: width, height: height, channels: picture.channels, bitDepth: picture.bitDepth, samples: out)
    }
}
