import SRDiff
import ToolSupport

/// What the command line settles for every image.
struct Settings: Sendable {
    enum Method: String, Sendable {
        case sampled
        /// The encoder's own image.
        case preview
        case bicubic
    }

    let sampler: TimestepSchedule
    let seed: UInt64
    let samples: Int
    let generator: SamplingSettings.Generator
    let fidelity: Fidelity
    let method: Method
    /// Back-projected: see `Image.backProjected`.
    let isConsistent: Bool
    /// The samples' mean, σ map and contact sheet are wanted too.
    let hasStatistics: Bool
    /// The rows of each result that are computed; nil for all.
    let rows: RowRequest?
    let threads: Int
    /// The format of results whose name does not decide it; nil keeps the input's.
    let format: ImageFormat?
    /// nil for the default, with which lossless WebP stays lossless.
    let quality: Int?
    /// Compression of PNG; see `EncodingOptions`.
    let compression: Int?

    var seeds: [UInt64] { (0..<UInt64(samples)).map { seed &+ $0 } }

    /// How results of an image are encoded.
    func encoding(_ header: ImageHeader) -> EncodingOptions {
        EncodingOptions(
            quality: quality ?? EncodingOptions.defaultQuality,
            isLossless: quality == nil && header.format == .webP && !header.isLossy, compression: compression)
    }

    func sampling(seed: UInt64) -> SamplingSettings {
        SamplingSettings(schedule: sampler, seed: seed, generator: generator, fidelity: fidelity)
    }

    /// What it takes to make the image again, or all that went into it; kept in it.
    func facts(seeds: [UInt64], model: LoadedModel) -> [String] {
        let facts =
            switch method {
            case .sampled: RunSettings.sampled(model, sampling(seed: seed), seeds: seeds)
            case .preview: ["model=\(model.sha256)", "preview"]
            case .bicubic: ["bicubic"]
            }
        return facts + (isConsistent ? ["consistent"] : [])
    }

    var json: JSON {
        var members: [(key: String, value: JSON)] = [("method", .string(method.rawValue))]
        members.append(("consistent", .bool(isConsistent)))
        guard method == .sampled else { return .object(members + [("threads", .int(threads))]) }
        switch sampler {
        case .spaced(let sampler, let eta, let steps, let spacing):
            members += [("sampler", .string(sampler.rawValue)), ("steps", .int(steps))]
            if sampler.takesEta { members.append(("eta", .number(eta))) }
            members.append(("spacing", .string(spacing.rawValue)))
        case .transitions(let transitions):
            members += [
                ("sampler", "searched"), ("steps", .int(transitions.count)),
                ("timesteps", .array(transitions.map { .int($0.timestep) })),
            ]
        }
        return .object(
            members + [
                ("fidelity", .number(Double(fidelity.value))), ("rng", .string(generator.rawValue)),
                ("threads", .int(threads)),
            ])
    }
}
