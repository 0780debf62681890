import SRDFile
import SRDiff
import ToolSupport

/// The first stage of a batch: what must be known of a job and its image before the model runs.
enum Reading: Sendable {
    /// Nothing to do: every output exists.
    case exists
    case ownResult
    case failed(any Error)
    /// Not decoded: only the header was asked for, or the memory was needed for something else.
    case opened(OpenedImage)
    /// Several where a stream holds several and the output can too.
    case images([Image], OpenedImage, warnings: [String])

    struct Options: Sendable {
        let rules: OutputRules
        /// Results of earlier runs are skipped unless they are the only input.
        let skipsOwnResults: Bool
        /// An explicit output that exists is an error instead of a reason to skip.
        let explicitOutput: Bool
        let force: Bool
        let headerOnly: Bool
    }

    /// - Parameter budget: bytes that decoding may take; nil for what the machine has.
    static func read(_ job: Job, _ options: Options, budget: Int?) -> Reading {
        do {
            if !options.headerOnly {
                let existing = job.destinations.filter(\.exists)
                for path in job.destinations.compactMap(\.path) { try options.rules.checkInput(path) }
                if !options.rules.overwrite, let output = existing.first {
                    if options.explicitOutput { try options.rules.check(output.path!) }
                    if existing.count == job.destinations.count { return .exists }
                }
                for path in job.destinations.compactMap(\.path) { try options.rules.checkPlace(path) }
            }
            let opened = try job.input.open()
            if options.skipsOwnResults && opened.isOwnResult { return .ownResult }
            if let output = job.destinations.first(where: { !$0.format.holdsAlpha }), opened.header.hasAlpha {
                throw InputError(job.input, ToolError("\(ImageError.alphaNotSupported), not \(output)"))
            }
            if options.headerOnly || budget.map({ opened.memory > $0 }) ?? false { return .opened(opened) }
            return try decode(job, opened, options)
        } catch {
            return .failed(error)
        }
    }

    /// Decodes an image that was opened.
    static func decode(_ job: Job, _ opened: OpenedImage, _ options: Options) throws -> Reading {
        var warnings: [String] = []
        let images: [Image]
        if job.outputs[0].destination == .standardOutput(.pnm) {
            images = try opened.decodeAll(force: options.force) { warnings.append($0) }
        } else {
            images = [try opened.decode(force: options.force) { warnings.append($0) }]
        }
        return .images(images.map { $0.withHiddenColorsFilled() }, opened, warnings: warnings)
    }
}

extension ImageHeader {
    var hasAlpha: Bool { channels == 2 || channels == 4 }
}
