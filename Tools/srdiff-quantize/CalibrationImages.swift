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

    /// Pixels along each side of a patch that the model is given: the noise predictor sees no further than about 40.
    private static let side = 32

    func load(scale: Int) throws -> CalibrationSet {
        if !lr.isEmpty {
            let images = try read(lr)
            return CalibrationSet(
                lowResolution: images, side: Self.side, seed: seed, description: describe(images.count, "to be enlarged"))
        }
        let isBuiltIn = calibration.isEmpty
        let images = try read(isBuiltIn ? [Self.builtIn()] : calibration)
        let set = CalibrationSet(
            originals: images, scale: scale, side: Self.side, seed: seed,
            description: describe(images.count, isBuiltIn ? "of the built-in set" : "of the user's"))
        if set.images.isEmpty { throw ToolError("--calibration: every image is smaller than \(scale)×\(scale) pixels") }
        if degradations.isEmpty { return set }
        guard set.images.allSatisfy({ $0.bitDepth == 8 }) else { throw ToolError("--degrade requires images of 8 bits") }
        do {
            return try set.degraded(degradations.map(\.description).joined(separator: ", ")) { i, image throws(ImageError) in
                try degradations[i % degradations.count].applied(to: image)
            }
        } catch {
            throw ToolError("--degrade: \(error)")
        }
    }

    private static func builtIn() throws -> String {
        let (found, looked) = InstalledFiles.find("calibration")
        guard let found else { throw ToolError("no images to calibrate on: name some with --calibration; looked for \(looked.joined(separator: " and "))") }
        return found.path
    }

    private func describe(_ count: Int, _ which: String) -> String {
        "\(count) images \(which), a patch of at most \(Self.side)×\(Self.side) low-resolution pixels of each, seed \(seed)"
    }

    /// The first `count` of them, without their alpha.
    private func read(_ paths: [String]) throws -> [Image] {
        let (inputs, errors) = ImageInput.expand(paths)
        if let error = errors.first { throw error }
        return try inputs.prefix(count).map { input in
            guard case .file(let path) = input else { throw ToolError("images for calibration come from files, not from standard input") }
            do {
                return try MappedFile(path: path).withBytes { try Image(parsing: $0) }.plain
            } catch let error as ImageError {
                throw ToolError("\(path): \(error)")
            }
        }
    }
}
