import SRDiff
import ToolSupport

/// What happened: a line each on standard output, or one JSON document at the end.
struct Report {
    let json: Bool
    let quiet: Bool
    /// Standard output is taken by an image.
    let resultsOnError: Bool
    private(set) var failures = 0
    private var results: [JSON] = []

    init(json: Bool, quiet: Bool, resultsOnError: Bool) {
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

    mutating func failed(_ input: ImageInput?, _ error: any Error) {
        failures += 1
        ProgressLine(isShown: !quiet).clear()
        Upscale.report("\(error)")
        results.append(["input": input.map { .string($0.description) } ?? .null, "status": "failed", "error": .string("\(error)")])
    }

    mutating func skipped(_ input: ImageInput, _ output: ImageOutput) {
        line("\(input) → \(output)  skipped: it exists (--overwrite replaces it)")
        results.append(["input": .string(input.description), "output": .string(output.description), "status": "skipped"])
    }

    mutating func written(_ input: ImageInput, _ output: Job.Output, from image: Image, _ result: Image, seconds: Double) {
        line("\(input) → \(output.destination)  \(image.width)×\(image.height) → \(result.width)×\(result.height)  \(Text.duration(seconds))")
        results.append([
            "input": .string(input.description), "output": .string(output.destination.description), "status": "written",
            "width": .int(result.width), "height": .int(result.height), "seed": .unsigned(output.seed), "seconds": .number(seconds)
        ])
    }

    /// - Parameters:
    ///   - sigma: mean standard deviation over the samples.
    ///   - white: σ of the map's white. Both in codes of 8 bits.
    mutating func summarized(_ job: Job, sigma: Double, white: Double) {
        let outputs = Job.Summary.allCases.compactMap { job.summaries[$0] }
        line("""
            \(job.input) → \(outputs.map(\.description).joined(separator: ", "))
              \(job.outputs.count) samples: σ \(Text.short(sigma)) of 255, at most \(Text.short(white)) (the map's white)
            """)
        results.append([
            "input": .string(job.input.description), "outputs": .array(outputs.map { .string($0.description) }),
            "status": "summarized", "samples": .int(job.outputs.count), "sigma": .number(sigma), "sigmaOfWhite": .number(white)
        ])
    }

    mutating func planned(_ job: Job, _ plan: Plan, secondsPerMAC: Double) {
        let perStep = plan.macsPerStep * secondsPerMAC, total = plan.macs * secondsPerMAC
        let padding = plan.padded == plan.low ? "" : ", padded to \(plan.padded.width)×\(plan.padded.height)"
        let steps = plan.steps == 0 ? "" : """

              \(plan.steps * plan.samples) steps of \(Text.count(plan.macsPerStep))MAC, about \(Text.duration(perStep)) each
            """
        let time = plan.macs == 0 ? "" : "\(Text.count(plan.macs))MAC, about \(Text.duration(total)) in all; "
        line("""
            \(job.input) → \(job.destinations.map(\.description).joined(separator: ", "))
              \(plan.low.width)×\(plan.low.height)\(padding) → \(plan.high.width)×\(plan.high.height)\(steps)
              \(time)about \(ByteCount.text(plan.memory)) of memory
            """)
        results.append([
            "input": .string(job.input.description), "outputs": .array(job.destinations.map { .string($0.description) }),
            "status": "planned", "size": .array([.int(plan.low.width), .int(plan.low.height)]),
            "paddedSize": .array([.int(plan.padded.width), .int(plan.padded.height)]),
            "outputSize": .array([.int(plan.high.width), .int(plan.high.height)]),
            "steps": .int(plan.steps * plan.samples), "macsPerStep": .number(plan.macsPerStep), "macs": .number(plan.macs),
            "memoryBytes": .int(plan.memory), "secondsPerStep": .number(perStep), "seconds": .number(total)
        ])
    }

    func finish(_ loaded: LoadedModel, _ settings: Settings) {
        guard json else { return }
        let document: JSON = [
            "tool": "srdiff-upscale", "version": .string(SRDiffVersion.string),
            "model": ["path": .string(loaded.path), "sha256": .string(loaded.sha256), "arithmetic": .string(loaded.arithmetic), "scale": .int(loaded.configuration.scale)],
            "settings": settings.json, "results": .array(results), "peakMemoryBytes": .int(Machine.peakMemory)
        ]
        (resultsOnError ? Terminal.error : .output).line(document.text)
    }
}
