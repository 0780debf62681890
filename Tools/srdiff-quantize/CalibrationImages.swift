import SRDFile
import SRDiff
import SRDQuantizer
import ToolSupport

/// Which images to calibrate on, and how they are found.
struct CalibrationImages {
    let calibration: [String]
    let lr: [String]
    /// Applied to the reduced images in turn.
    let degradations: [Degradation]
    let count: Int
    let seed: UInt64
    let quiet: Bool

    /// Pixels along each side of a patch that the model is given: the noise predictor sees no further than about 40.
    private static let side = 32

    func load(scale: Int) throws -> CalibrationSet {
        if !lr.isEmpty {
            let inputs = try find(lr)
            return try CalibrationSet(
                lowResolutionCount: inputs.count, side: Self.side, seed: seed,
                description: describe(inputs.count, "to be upscaled")
            ) { try read(inputs[$0]) }
        }
        let isBuiltIn = calibration.isEmpty
        let inputs = try find(isBuiltIn ? [Self.builtIn()] : calibration)
        let set = try CalibrationSet(
            originalCount: inputs.count, scale: scale, side: Self.side, seed: seed,
            description: describe(inputs.count, isBuiltIn ? "of the built-in set" : "of the user's")
        ) { try read(inputs[$0]) }
        if set.images.isEmpty { throw ToolError("--calibration: every image is smaller than \(scale)×\(scale) pixels") }
        if degradations.isEmpty { return set }
        guard set.images.allSatisfy({ $0.bitDepth == 8 }) else {
            throw ToolError("--degrade requires images of 8 bits")
        }
        do {
            return try set.degraded(degradations.map(\.description).joined(separator: ", ")) {
                i, image throws(ImageError) in
                try degradations[i % degradations.count].applied(to: image)
            }
        } catch {
            throw ToolError("--degrade: \(error)")
        }
    }

    private static func builtIn() throws -> String {
        let (found, looked) = InstalledFiles.find("calibration")
        guard let found else {
            throw ToolError(
                """
                no images to calibrate on: name some with --calibration; looked for \(looked.joined(separator: " and "))
                """
            )
        }
        return found.path
    }

    private func describe(_ count: Int, _ which: String) -> String {
        """
        \(count) images \(which), a patch of at most \(Self.side)×\(Self.side) \
        low-resolution pixels of each, seed \(seed)
        """
    }

    /// The first `count` images of these files and folders.
    private func find(_ paths: [String]) throws -> [ImageInput] {
        let search = InputSearch(paths)
        if let error = search.errors.first { throw error }
        if search.inputs.isEmpty {
            throw ToolError("no images for calibration were found (\(search.skipped.text) skipped)")
        }
        return Array(search.inputs.prefix(count))
    }

    /// Decodes an image, without its alpha.
    private func read(_ input: ImageInput) throws -> Image {
        guard case .file = input else { throw ToolError("\(input): images for calibration are read from files") }
        let opened = try input.open()
        try opened.checkMemory(copies: 1)
        if !quiet, let note = opened.memoryNote(copies: 1) { Terminal.error.line(note) }
        return try opened.decode { _ in }.plain
    }
}

extension CalibrationImages {
    /// Fewer images of the user's than this are too few to know the range of a layer's values.
    private static let fewImages = 4
    /// Standard deviation, in 8-bit levels, below which a patch is flat: a photograph's noise alone is about that much.
    private static let flat = 3.0

    /// Why the scales that follow from a set may not suit other images. The built-in set is good.
    func warnings(about set: CalibrationSet) -> [String] {
        guard !calibration.isEmpty || !lr.isEmpty else { return [] }
        var warnings: [String] = []
        let count = set.images.count, flat = set.images.count { Self.deviation(of: $0) < Self.flat }
        if count < Self.fewImages {
            warnings.append(
                """
                only \(count) calibration image\(count == 1 ? "" : "s") (expected \(Self.fewImages) or more). Other \
                images may lose more than the report says. Name more images like those that you will upscale.
                """)
        }
        if flat * 2 >= count {
            warnings.append(
                """
                \(flat) of \(count) calibration patches are nearly flat. Other images may lose more than the report \
                says. Name images with detail.
                """)
        }
        return warnings
    }

    /// The standard deviation of all samples, in 8-bit levels.
    private static func deviation(of image: Image) -> Double {
        let unit = image.bitDepth == 8 ? 1.0 : 257.0, values = image.samples.map { Double($0) / unit }
        let mean = values.reduce(0, +) / Double(values.count)
        return (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)).squareRoot()
    }
}
