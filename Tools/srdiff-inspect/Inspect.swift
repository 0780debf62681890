import ArgumentParser
import SRDCheckpoint
import SRDFile
import SRDiff
import SRDTensor
import ToolSupport

/// The command of `srdiff-inspect`.
package var command: any ParsableCommand.Type { Inspect.self }

struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "srdiff-inspect",
        abstract: "Shows what a model file contains: format, configuration, cost, and tensors or int8 layers.",
        discussion: """
            Reads int8 models, PyTorch checkpoints (old and new format), safetensors files, and models in several
            safetensors files (pass the index or the folder), without Python and without executing anything in them.

            EXAMPLES
              srdiff-inspect Models/edge.int8.safetensors
              srdiff-inspect model.ckpt
              srdiff-inspect model.bin --json
              srdiff-inspect model.ckpt --export model.safetensors --half

            \(ToolInfo.exitCodes)
            """,
        version: SRDiffVersion.string
    )

    @Argument(help: ArgumentHelp("A model file.", valueName: "file"))
    var file: String

    @Flag(help: "Print everything as JSON.")
    var json = false

    @Option(
        help: ArgumentHelp(
            "Write what sampling needs (no optimizer state) as safetensors, atomically.", valueName: "file"))
    var export: String?

    @Flag(help: "With --export: weights in 16 bits; the noise schedule stays in 32.")
    var half = false

    @Flag(help: "With --export: replace the file if it exists.")
    var overwrite = false

    func validate() throws {
        if half && export == nil { throw ValidationError("--half requires --export") }
        if overwrite && export == nil { throw ValidationError("--overwrite requires --export") }
    }

    func run() throws {
        if let export { try checkExport(export, reading: OutputRules.modelFiles(file)) }
        let report = try read(file)
        for warning in report.warnings { Terminal.error.line("warning: \(file.printable): \(warning)") }
        if let export { return try write(report, to: export) }
        Terminal.output.line(json ? report.json.text : report.text)
        if let failure = report.failure { throw ToolError("\(file.printable): \(failure)") }
    }

    private func read(_ path: String) throws -> any Report {
        do {
            if FilePath.isFolder(path) || path.hasSuffix(".json") { return CheckpointReport(try Checkpoint.read(path)) }
            let mapped = try MappedFile(path: path)
            // Parsed once: a header may be large.
            guard let safetensors = try? Safetensors(mapped) else { return CheckpointReport(try Checkpoint(mapped)) }
            if QuantizedModelFile.recognizes(safetensors) { return try QuantizedReport(safetensors) }
            do throws(CheckpointError) {
                return CheckpointReport(try Checkpoint(safetensors), safetensors: safetensors)
            } catch {
                guard case .noTensors = error else { throw error }
                return try CheckpointReport(safetensors, error: error)
            }
        } catch {
            // A FileError names the file itself.
            throw error is FileError ? error : ToolError("\(path.printable): \(error)")
        }
    }

    private func checkExport(_ path: String, reading inputs: [String]) throws {
        try OutputRules(inputs: inputs, overwrite: overwrite).check(path)
    }

    private func write(_ report: any Report, to path: String) throws {
        guard let report = report as? CheckpointReport else {
            throw ToolError(
                "\(file.printable): an int8 model cannot be exported. Pass the checkpoint it was converted from.")
        }
        try checkExport(path, reading: report.paths)
        let model: Model
        do throws(CheckpointError) { model = try report.model.get() } catch {
            throw ToolError("\(file.printable): \(error)")
        }
        let weights = try model.tensors.map { name, tensor in
            half ? try Self.halved(name, tensor) : SafetensorsTensor(name, tensor)
        }
        try Safetensors.write(
            weights + Self.buffers(model, report), metadata: ["source_sha256": report.sha256, "format": "pt"], to: path)
        Terminal.output.line(try "\(file.printable) → \(path.printable)\n" + read(path).heading)
    }

    /// The noise schedule as it is stored, or as it was rebuilt.
    private static func buffers(_ model: Model, _ report: CheckpointReport) -> [SafetensorsTensor] {
        let s = model.schedule
        let rebuilt = s.warning == nil ? nil : [s.betas, s.signal, s.noise, s.inverseSignal, s.noiseToSignal]
        return NoiseSchedule.bufferNames.enumerated().compactMap { i, name in
            let tensor =
                rebuilt.map { FloatTensor(shape: [s.timesteps], values: $0[i].map(Float.init)) } ?? report.floats[name]
            return tensor.map { SafetensorsTensor(name, $0) }
        }
    }

    private static func halved(_ name: String, _ tensor: FloatTensor) throws -> SafetensorsTensor {
        if let value = tensor.values.first(where: { abs($0) >= 65520 }) {
            throw ToolError(
                "tensor `\(name)` contains \(value), expected values below 65520 for 16 bits. Export without --half.")
        }
        return SafetensorsTensor(halves: name, tensor)
    }
}
