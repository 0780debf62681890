import SRDFile
import SRDiff
import ToolSupport

/// A whole job with one instruction set and number of threads, measured part by part.
struct JobRun {
    let image, output: String
    let model: String?
    let steps: Int?
    let cpu: InstructionSet
    let threads: Int

    /// By name, in the order of the first measurement.
    private(set) var parts: [(name: String, first: Series, again: Series)] = []

    var label: String { "\(cpu.rawValue), \(threads) thread\(threads == 1 ? "" : "s")" }

    private static let read = "read and hash the model", decode = "read and decode the image",
        encoder = "encoder and conditioner"
    private static let composition = "encoder's image and composition", encode = "encode the PNG",
        write = "write the file"
    private static let whole = "whole job", rest = "process, and what no part covers"
    private static func step(_ i: Int) -> String { "step \(i)" }

    /// Runs the job once in this process, twice where that differs, and once as srdiff-upscale.
    mutating func measure() throws {
        let clock = ContinuousClock()
        var last = clock.now, sum = Duration.zero
        func lap() -> Duration {
            let now = clock.now
            defer { last = now }
            return now - last
        }
        func note(_ name: String, _ time: Duration, again: Bool = false) {
            if !again { sum += time }
            let index = parts.firstIndex { $0.name == name } ?? parts.count
            if index == parts.count { parts.append((name, Series(), Series())) }
            if again { parts[index].again.add(time) } else { parts[index].first.add(time) }
        }

        let opened = try ImageInput.file(image).open(), opening = lap()
        let loaded =
            try LoadedModel.requested(model) ?? .installed(LoadedModel.defaultName(isLossy: opened.header.isLossy))
        note(Self.read, lap())
        let decoded = try opened.decode { _ in }.withHiddenColorsFilled()
        note(Self.decode, opening + lap())
        let upscaler = try Upscaler(loaded, options: .init(threads: threads, instructionSet: cpu))
        let schedule = try loaded.schedule(for: ScheduleRequest(steps: steps.map { .count($0) }))
        let settings = SamplingSettings(schedule: schedule, seed: 0, fidelity: loaded.defaultFidelity(for: schedule))
        var result = decoded
        for again in [false, true] {
            let prepared = upscaler.pipeline.prepare(decoded, fidelity: settings.fidelity)
            note(Self.encoder, lap(), again: again)
            result = try upscaler.upscale(prepared, settings: settings) { done, _ in
                note(Self.step(done), lap(), again: again)
            }
            note(Self.composition, lap(), again: again)
        }
        let encoded = try result.with(runSettings: RunSettings.sampled(loaded, settings, seeds: [0])).encoded(as: .png)
        note(Self.encode, lap())
        try ImageOutput.file(output).write(bytes: encoded)
        note(Self.write, lap())

        let arguments =
            [image, "-o", output, "--overwrite", "--quiet", "--threads", "\(threads)", "--model", loaded.path]
            + (steps.map { ["--steps", "\($0)"] } ?? [])
        guard let executable = FilePath.executable else { throw ToolError("/proc is not mounted") }
        let whole = try ChildProcess.time(
            FilePath.folder(of: executable) + "srdiff-upscale", arguments, environment: ["SRDIFF_CPU=\(cpu.rawValue)"])
        note(Self.rest, max(.zero, whole - sum))
        note(Self.whole, whole)
    }

    /// Medians in milliseconds: of the first time, and of the second where a part ran twice.
    var medians: [(part: String, first: Double, again: Double?)] {
        parts.map { ($0.name, $0.first.median, $0.again.median.isNaN ? nil : $0.again.median) }
    }

    /// The encoder, the conditioner and the steps with packed weights, in milliseconds.
    var compute: Double {
        medians.filter { $0.part == Self.encoder || $0.part.hasPrefix("step ") }.reduce(0) { $0 + ($1.again ?? 0) }
    }
}
