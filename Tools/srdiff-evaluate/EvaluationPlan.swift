import SRDFile
import SRDiff
import ToolSupport

/// The models, schedules, seeds and images of an evaluation, and how they are run.
struct EvaluationPlan {
    /// The models, the reference first if there is one.
    let contestants: [Contestant]
    let schedules: [TimestepSchedule]
    let seeds: [UInt64]
    let sets: [ImageSet]
    let scale: Int
    /// The degradation of the low-resolution images.
    let degradation: Degradation?
    /// Whether every result is back-projected.
    let isConsistent: Bool
    let threads: Int
    let instructionSet: InstructionSet

    /// Bicubic, the encoder's image if a model has one, then every sampler of every model.
    var runs: [Run] {
        var runs = [Run(name: "bicubic", contestant: nil, schedule: nil, isReference: false)]
        if let first = contestants.firstIndex(where: \.loaded.hasPreview) {
            runs.append(Run(name: "encoder", contestant: first, schedule: nil, isReference: false))
        }
        for (i, contestant) in contestants.enumerated() {
            runs += schedules.map {
                Run(name: contestant.name, contestant: i, schedule: $0, isReference: contestant.isReference)
            }
        }
        return runs
    }

    /// The key under which the result of a run is stored.
    func key(_ run: Run, _ entry: ImageSet.Entry, low: Image, seed: UInt64) -> ImageStore.Key {
        var sha = SHA256()
        sha.update([low.width, low.height, low.channels].map { UInt16(truncatingIfNeeded: $0) })
        sha.update(low.samples)
        let model = run.contestant.map { "model=\(contestants[$0].loaded.sha256)" } ?? "bicubic x\(scale)"
        let sampling = run.schedule.map { "\($0.identity) seed=\(seed)" } ?? "no sampler"
        let consistent = isConsistent ? " consistent" : "", degraded = degradation.map { " degrade=\($0)" } ?? ""
        return ImageStore.Key(
            run: run, image: entry.name, seed: seed,
            facts:
                "\(model) \(sampling)\(consistent)\(degraded) input=\(sha.hexDigest()) version=\(SRDiffVersion.string)")
    }

    /// Loads an original and its low-resolution image, degraded.
    ///
    /// - Parameter check: called with the original's file before its pixels are decoded.
    func load(_ entry: ImageSet.Entry, check: (OpenedImage) throws -> Void = { _ in }) throws -> ImageSet.Pair {
        try ImageSet.load(entry, scale: scale, degradation: degradation, check: check)
    }

    /// Throws if the image would take more memory than is available, and returns what to announce if it takes much.
    func checkMemory(_ opened: OpenedImage) throws -> String? {
        let header = opened.header, pixels = header.width * header.height
        var executor = 0
        for contestant in contestants {
            let size = contestant.loaded.configuration.paddedSize(
                width: max(1, header.width / scale), height: max(1, header.height / scale))
            executor = max(
                executor, Executor.memoryEstimate(contestant.loaded.model, lrWidth: size.width, lrHeight: size.height))
        }
        // x_t, the samples of original and result, and the metrics' buffers in double precision.
        let bytes = header.decodingBytes + executor + pixels * (12 + 2 * 6 + 2 * 24)
        do {
            try MemoryEstimate.check(bytes, for: "an image of \(opened.sizeText)")
        } catch {
            throw InputError(opened.input, error)
        }
        return MemoryEstimate.note(bytes, for: "\(opened.input): \(opened.sizeText)")
    }
}
