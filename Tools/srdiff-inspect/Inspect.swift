import ArgumentParser
import SRDCheckpoint
import SRDFile
import SRDTensor
import SRDiff
import ToolSupport

@main
struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "srdiff-inspect",
        abstract: "Says what a checkpoint holds: its format, the model's configuration, cost and tensors.",
        discussion: """
            Reads PyTorch checkpoints (old and new), bare maps of tensors and safetensors,
            without Python and without executing anything in them.

            EXAMPLES
              srdiff-inspect model.ckpt
              srdiff-inspect model.bin --json
              srdiff-inspect model.ckpt --export model.safetensors --half

            \(ToolInfo.exitCodes)
            """,
        version: SRDiffVersion.string
    )

    @Argument(help: ArgumentHelp("A checkpoint.", valueName: "file"))
    var file: String

    @Flag(help: "Everything as JSON.")
    var json = false

    @Option(help: ArgumentHelp("Write what sampling needs (no optimizer state) as safetensors, atomically.", valueName: "file"))
    var export: String?

    @Flag(help: "With --export: weights in 16 bits; the noise schedule stays in 32.")
    var half = false

    static func main() { runTool() }

    func validate() throws {
        if half && export == nil { throw ValidationError("--half goes with --export") }
    }

    func run() throws {
        let contents = try FileContents(file)
        if let export {
            do {
                try write(contents.model.get(), contents, to: export)
            } catch let error as ModelError {
                throw ToolError("\(file): \(error)")
            }
            return Terminal.output.line(try "\(file) → \(export)\n" + FileContents(export).heading)
        }
        Terminal.output.line(json ? contents.json.text : contents.text)
        if case .failure(let error) = contents.model { throw ToolError("\(file): \(error)") }
    }

    private func write(_ model: Model, _ contents: FileContents, to path: String) throws {
        let buffers = NoiseSchedule.bufferNames.compactMap { name in
            contents.floats[name].map { SafetensorsTensor(name, $0) }
        }
        let weights = try model.tensors.map { name, tensor in
            half ? try Self.halved(name, tensor) : SafetensorsTensor(name, tensor)
        }
        try Safetensors.write(
            weights + buffers, metadata: ["source_sha256": contents.sha256, "format": "pt"], to: path
        )
    }

    private static func halved(_ name: String, _ tensor: FloatTensor) throws -> SafetensorsTensor {
        if let value = tensor.values.first(where: { abs($0) >= 65520 }) {
            throw ToolError("tensor `\(name)` holds \(value), too large for 16 bits")
        }
        return SafetensorsTensor(halves: name, tensor)
    }
}
