import SRDFile
import SRDImage
import SRDTensor

/// Small low-resolution images that the converter watches the float model at work on.
public struct CalibrationSet: Sendable {
    /// What the model is given.
    public let images: [Image]
    /// What each was reduced from; empty where nobody knows.
    public let originals: [Image]
    /// In words, for the file and the report.
    public let description: String

    /// Low-resolution images: one patch of at most `side` × `side` pixels of each, at a place that `seed` decides.
    public init(lowResolution images: [Image], side: Int, seed: UInt64, description: String) {
        var random = SplitMix64(seed: seed)
        self.images = images.map { random.patch(of: $0, width: min(side, $0.width), height: min(side, $0.height), step: 1) }
        originals = []
        self.description = description
    }

    /// Images as they should become: a patch of each is reduced by `scale`, to at most `side` × `side` pixels.
    /// Images smaller than one pixel of that are left out.
    public init(originals images: [Image], scale: Int, side: Int, seed: UInt64, description: String) {
        var random = SplitMix64(seed: seed)
        originals = images.filter { $0.width >= scale && $0.height >= scale }.map { image in
            let width = min(side, image.width / scale) * scale, height = min(side, image.height / scale) * scale
            return random.patch(of: image, width: width, height: height, step: scale)
        }
        self.images = originals.map { $0.resized(by: 1, over: scale) }
        self.description = description
    }

    private init(images: [Image], originals: [Image], description: String) {
        self.images = images
        self.originals = originals
        self.description = description
    }

    /// The set with other low-resolution images, such as degraded ones, of the same sizes.
    ///
    /// - Parameters:
    ///   - degradations: appended to the description.
    ///   - degrade: returns image i after degradation.
    public func degraded<Failure: Error>(
        _ degradations: String, by degrade: (_ index: Int, _ image: Image) throws(Failure) -> Image
    ) throws(Failure) -> CalibrationSet {
        var degraded: [Image] = []
        for (i, image) in images.enumerated() { degraded.append(try degrade(i, image)) }
        return CalibrationSet(images: degraded, originals: originals, description: "\(description), degraded by \(degradations)")
    }

    public func prefix(_ count: Int) -> CalibrationSet {
        CalibrationSet(images: Array(images.prefix(count)), originals: Array(originals.prefix(count)), description: description)
    }

    /// Of the patches' sizes and samples.
    public var sha256: String {
        var sha = SHA256()
        for image in images {
            let sizes = [image.width, image.height, image.channels, image.bitDepth].map { UInt16($0) }
            for words in [sizes, image.samples] {
                words.map(\.littleEndian).withUnsafeBytes { sha.update($0) }
            }
        }
        return sha.hexDigest()
    }
}

extension SplitMix64 {
    /// Cuts a patch at a random place, whose coordinates are multiples of `step`.
    fileprivate mutating func patch(of image: Image, width: Int, height: Int, step: Int) -> Image {
        let columns = UInt64((image.width - width) / step + 1), rows = UInt64((image.height - height) / step + 1)
        let x = Int(next() % columns) * step, y = Int(next() % rows) * step
        return image.cropped(x: x, y: y, width: width, height: height)
    }
}
