import SRDFile
import SRDiff
import ToolSupport

/// What happened: a line each on standard output and one at the end, or one JSON document at the end.
struct Report {
    let json: Bool
    let quiet: Bool
    /// Standard output is taken by an image.
    let resultsOnError: Bool
    private var results: [JSON] = []
    /// Where a shard notes what it did; nil without shards.
    let log: ShardLog?

    /// Inputs that were upscaled, or planned in a dry run.
    private var done = 0
    private var skipped = Tally(), failed = Tally()
    private var notTried = 0
    /// Whether there is no point in going on: the disk is full.
    private(set) var isStopped = false

    var hasFailures: Bool { failed.total > 0 }

    init(json: Bool, quiet: Bool, resultsOnError: Bool, log: ShardLog? = nil) {
        self.log = log
        self.json = json
        self.quiet = quiet
        self.resultsOnError = resultsOnError
    }

    func note(_ text: String) {
        if !quiet { Terminal.error.line(text) }
    }

    private func line(_ text: String) {
        if !quiet && !json { (resultsOnError ? Terminal.error : .output).line(text) }
    }

    // MARK: Inputs

    /// An input was upscaled.
    mutating func finished() { done += 1 }

    mutating func failed(_ input: ImageInput?, _ error: any Error) {
        FailureKind.add(error, to: &failed)
        if let error = error as? FileError, error.reason == .full { isStopped = true }
        ProgressLine(isShown: !quiet).clear()
        Upscale.report("\(error)")
        results.append([
            "input": input.map { .string($0.name) } ?? .null, "status": "failed", "error": .string("\(error)"),
        ])
        if let input { record { try $0.ended(input, status: "failed", reason: "\(error)") } }
    }

    /// Appends to the shard's log. What cannot be appended is told once and missing from the summary only.
    private func record(_ body: (ShardLog) throws -> Void) {
        guard let log else { return }
        do { try body(log) } catch { Upscale.report("\(error)") }
    }

    /// An input was skipped.
    mutating func skipped(_ kind: String) { skipped.add(kind) }

    /// What was passed over in folders.
    mutating func skipped(_ kinds: Tally) { skipped.add(kinds) }

    /// Inputs that are results by their names.
    mutating func skippedOwnResults(_ count: Int) {
        if count > 0 { skipped.add("own result", count: count) }
    }

    mutating func ownResult(_ input: ImageInput) {
        skipped("own result")
        results.append(["input": .string(input.name), "status": "skipped", "reason": "own result"])
        record { try $0.ended(input, status: "skipped", reason: "own result") }
    }

    mutating func notTried(_ count: Int) { notTried += count }

    // MARK: Outputs

    mutating func existing(_ input: ImageInput, _ output: ImageOutput) {
        line("\(input) → \(output)  skipped: it exists (--overwrite replaces it)")
        results.append([
            "input": .string(input.name), "output": .string(output.name), "status": "skipped",
            "reason": "existing result",
        ])
    }

    mutating func written(
        _ input: ImageInput, _ output: Job.Output, from small: (width: Int, height: Int),
        _ large: (width: Int, height: Int), model: LoadedModel, seconds: Double
    ) {
        let sizes = "\(small.width)×\(small.height) → \(large.width)×\(large.height)"
        line("\(input) → \(output.destination)  \(sizes)  \(Text.duration(seconds))")
        results.append([
            "input": .string(input.name), "output": .string(output.destination.name), "status": "written",
            "width": .int(large.width), "height": .int(large.height), "seed": .unsigned(output.seed),
            "seconds": .number(seconds),
            "model": .string(model.path),
        ])
        record { try $0.written(input, output.destination, seconds: seconds) }
    }

    /// - Parameters:
    ///   - sigma: mean standard deviation over the samples.
    ///   - white: σ of the map's white. Both on a scale of 0 to 255.
    mutating func summarized(_ job: Job, sigma: Double, white: Double) {
        let outputs = Job.Summary.allCases.compactMap { job.summaries[$0] }
        line(
            """
            \(job.input) → \(outputs.map(\.description).joined(separator: ", "))
              \(job.outputs.count) samples: σ \(Text.short(sigma)) of 255, at most \
            \(Text.short(white)) (the map's white)
            """)
        results.append([
            "input": .string(job.input.name), "outputs": .array(outputs.map { .string($0.name) }),
            "status": "summarized", "samples": .int(job.outputs.count), "sigma": .number(sigma),
            "sigmaOfWhite": .number(white),
        ])
    }

    mutating func planned(_ job: Job, _ plan: Plan, model: LoadedModel, secondsPerMAC: Double) {
        done += 1
        let perStep = plan.macsPerStep * secondsPerMAC, total = plan.macs * secondsPerMAC
        let padding = plan.padded == plan.low ? "" : ", padded to \(plan.padded.width)×\(plan.padded.height)"
        let steps =
            plan.steps == 0
            ? ""
            : """

              \(plan.steps * plan.samples) steps of \(Text.count(plan.macsPerStep))MAC, about \
            \(Text.duration(perStep)) each
            """
        let time = plan.macs == 0 ? "" : "\(Text.count(plan.macs))MAC, about \(Text.duration(total)) in all; "
        line(
            """
            \(job.input) → \(job.destinations.map(\.description).joined(separator: ", "))
              \(plan.low.width)×\(plan.low.height)\(padding) → \(plan.high.width)×\(plan.high.height)\(steps)
              \(time)about \(ByteCount.text(plan.memory)) of memory
            """)
        results.append([
            "input": .string(job.input.name), "outputs": .array(job.destinations.map { .string($0.name) }),
            "status": "planned", "size": .array([.int(plan.low.width), .int(plan.low.height)]),
            "paddedSize": .array([.int(plan.padded.width), .int(plan.padded.height)]),
            "outputSize": .array([.int(plan.high.width), .int(plan.high.height)]),
            "steps": .int(plan.steps * plan.samples), "macsPerStep": .number(plan.macsPerStep),
            "macs": .number(plan.macs),
            "memoryBytes": .int(plan.memory), "secondsPerStep": .number(perStep), "seconds": .number(total),
            "model": .string(model.path),
        ])
    }

    // MARK: The end

    /// - Parameter isBatch: whether there is more to sum up than one image.
    func finish(_ loaded: LoadedModel, _ settings: Settings, isBatch: Bool, isDryRun: Bool) {
        guard json else {
            if isBatch { line(summary(verb: isDryRun ? "planned" : "upscaled")) }
            return
        }
        let document: JSON = [
            "tool": "srdiff-upscale", "version": .string(SRDiffVersion.string),
            "model": [
                "path": .string(loaded.path), "sha256": .string(loaded.sha256),
                "arithmetic": .string(loaded.arithmetic),
                "scale": .int(loaded.configuration.scale),
            ],
            "settings": settings.json, "results": .array(results),
            "summary": [
                "done": .int(done), "skipped": .int(skipped.total), "failed": .int(failed.total),
                "notTried": .int(notTried),
                "skippedByKind": skipped.json, "failedByKind": failed.json,
            ],
            "peakMemoryBytes": .int(Machine.peakMemory),
        ]
        (resultsOnError ? Terminal.error : .output).line(document.text)
    }

    /// "3 upscaled, 2 skipped (1 HEIC, 1 folder), 1 failed (1 damaged PNG)".
    private func summary(verb: String) -> String {
        var parts = ["\(done) \(verb)"]
        if skipped.total > 0 { parts.append("\(skipped.total) skipped (\(skipped.text))") }
        if failed.total > 0 { parts.append("\(failed.total) failed (\(failed.text))") }
        if notTried > 0 { parts.append("\(notTried) not tried, because the disk is full") }
        return parts.joined(separator: ", ")
    }
}

extension ImageInput {
    /// For programs: the path itself.
    var name: String { path ?? description }
}

extension ImageOutput {
    /// For programs: the path itself.
    var name: String { path ?? description }
}
