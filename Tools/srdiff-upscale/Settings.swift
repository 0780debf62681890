import SRDiff
import ToolSupport

/// What the command line settles for every picture.
struct Settings {
    enum Method: String {
        case sampled
        /// The encoder's own picture.
        case preview
        case bicubic
    }

    let sampler: SamplerSchedule
    let seed: UInt64
    let samples: Int
    let generator: SamplingSettings.Generator
    let method: Method
    let threads: Int

    var seeds: [UInt64] { (0..<UInt64(samples)).map { seed &+ $0 } }

    func sampling(seed: UInt64) -> SamplingSettings { SamplingSettings(sampler: sampler, seed: seed, generator: generator) }

    /// What it takes to make the picture again; kept in it.
    func text(seed: UInt64, model: LoadedModel) -> String {
        let facts = switch method {
        case .sampled: ["model=\(model.sha256)"] + fields + ["seed=\(seed)", "rng=\(generator.rawValue)"]
        case .preview: ["model=\(model.sha256)", "preview"]
        case .bicubic: ["bicubic"]
        }
        return (facts + ["version=\(ToolInfo.version)"]).joined(separator: " ")
    }

    private var fields: [String] {
        switch sampler {
        case .ancestral(let steps): ["sampler=ddpm", "steps=\(steps)"]
        case .ddim(let steps, let eta): ["sampler=ddim", "steps=\(steps)", "eta=\(eta)"]
        }
    }

    var json: JSON {
        var members: [(key: String, value: JSON)] = [("method", .string(method.rawValue))]
        guard method == .sampled else { return .object(members + [("threads", .int(threads))]) }
        switch sampler {
        case .ancestral(let steps): members += [("sampler", "ddpm"), ("steps", .int(steps))]
        case .ddim(let steps, let eta): members += [("sampler", "ddim"), ("steps", .int(steps)), ("eta", .number(eta))]
        }
        return .object(members + [("rng", .string(generator.rawValue)), ("threads", .int(threads))])
    }
}
