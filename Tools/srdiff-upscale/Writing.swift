import SRDFile
import SRDiff
import ToolSupport

/// The last stage of a batch: one result is encoded and written by another thread while the model works on the next.
struct Writing {
    struct Result: Sendable {
        let warnings: [String]
        /// nil if the file was written.
        let error: (any Error)?
    }

    let input: ImageInput
    let destination: ImageOutput
    /// Whether the input has no further output.
    let isLast: Bool
    /// Bytes that the image and its encoder take.
    let memory: Int
    /// Called once the file is written.
    let done: (inout Report) -> Void
    private let work: Background<Result>

    /// - Parameter startsNow: false leaves the work to `finish()`.
    init(
        _ image: Image, of input: ImageInput, to destination: ImageOutput, _ options: EncodingOptions, isLast: Bool,
        startsNow: Bool, done: @escaping (inout Report) -> Void
    ) {
        self.input = input
        self.destination = destination
        self.isLast = isLast
        self.done = done
        // Samples, the same as bytes, and a file of at most that size.
        memory = image.samples.count * (2 + 2 * (image.bitDepth / 8))
        work = Background(startsNow: startsNow) {
            var warnings: [String] = []
            do {
                try destination.write(image, options: options) { warnings.append($0) }
                return Result(warnings: warnings, error: nil)
            } catch {
                return Result(warnings: warnings, error: error)
            }
        }
    }

    /// Waits until the file is written.
    func finish() -> Result { work.value() }
}
