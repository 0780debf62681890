import SRDFile
import SRDImage
import SRDTensor

/// The small low-resolution images that a float model is calibrated on.
public struct CalibrationSet: Sendable {
    /// The model's inputs.
    public let images: [Image]
    /// The images that `images` were downscaled from, or an empty array if they are unknown.
    public let originals: [Image]
    /// A description for the file and the report.
    public let description: String

    /// Creates a set from low-resolution images: one patch of at most `side` × `side` pixels of each, at a position
    /// that `seed` determines.
    ///
    /// - Parameter image: returns image i. It is called once for each in turn, and only one image is kept at a time.
    public init<Failure: Error>(
        lowResolutionCount count: Int, side: Int, seed: UInt64, description: String,
        image: (_ index: Int) throws(Failure) -> Image
    ) throws(Failure) {
        var random = SplitMix64(seed: seed), images: [Image] = []
        for i in 0..<count {
            let whole = try image(i)
            images.append(
                random.patch(of: whole, width: min(side, whole.width), height: min(side, whole.height), step: 1))
        }
        self.init(images: images, originals: [], description: description)
    }

    /// Creates a set from original images: one patch of each is downscaled by `scale`, to at most `side` × `side`
    /// pixels. Images smaller than `scale` are left out.
    ///
    /// - Parameter image: returns image i. It is called once for each in turn, and only one image is kept at a time.
    public init<Failure: Error>(
        originalCount count: Int, scale: Int, side: Int, seed: UInt64, description: String,
        image: (_ index: Int) throws(Failure) -> Image
    ) throws(Failure) {
        var random = SplitMix64(seed: seed), originals: [Image] = []
        for i in 0..<count {
            let whole = try image(i)
            guard whole.width >= scale && whole.height >= scale else { continue }
            let width = min(side, whole.width / scale) * scale, height = min(side, whole.height / scale) * scale
            originals.append(random.patch(of: whole, width: width, height: height, step: scale))
        }
        self.init(
            images: originals.map { $0.resized(by: 1, over: scale) }, originals: originals, description: description)
    }

    /// Creates a set from low-resolution images in memory.
    public init(lowResolution images: [Image], side: Int, seed: UInt64, description: String) {
        self.init(lowResolutionCount: images.count, side: side, seed: seed, description: description) { images[$0] }
    }

    /// Creates a set from original images in memory.
    public init(originals images: [Image], scale: Int, side: Int, seed: UInt64, description: String) {
        self.init(originalCount: images.count, scale: scale, side: side, seed: seed, description: description) {
            images[$0]
        }
    }

    private init(images: [Image], originals: [Image], description: String) {
        self.images = images
        self.originals = originals
        self.description = description
    }

    /// Returns the set with degraded low-resolution images of the same sizes.
    ///
    /// - Parameters:
    ///   - degradations: appended to the description.
    ///   - degrade: returns image i after degradation.
    public func degraded<Failure: Error>(
        _ degradations: String, by degrade: (_ index: Int, _ image: Image) throws(Failure) -> Image
    ) throws(Failure) -> CalibrationSet {
        var degraded: [Image] = []
        for (i, image) in images.enumerated() { degraded.append(try degrade(i, image)) }
        return CalibrationSet(
            images: degraded, originals: originals, description: "\(description), degraded by \(degradations)")
    }

    /// Returns the set's first images.
    public func prefix(_ count: Int) -> CalibrationSet {
        CalibrationSet(
            images: Array(images.prefix(count)), originals: Array(originals.prefix(count)), description: description)
    }

    /// The SHA-256 of the patches' sizes and samples.
    public var sha256: String {
        var sha = SHA256()
        for image in images {
            let sizes = [image.width, image.height, image.channels, image.bitDepth].map { UInt16($0) }
            sha.update(sizes)
            sha.update(image.samples)
        }
        return sha.hexDigest()
    }
}

extension SplitMix64 {
    /// Returns a patch at a random position whose coordinates are multiples of `step`.
    fileprivate mutating func patch(of image: Image, width: Int, height: Int, step: Int) -> Image {
        let columns = UInt64((image.width - width) / step + 1), rows = UInt64((image.height - height) / step + 1)
        let x = Int(next() % columns) * step, y = Int(next() % rows) * step
        return image.cropped(x: x, y: y, width: width, height: height)
    }
}
