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
        version: ToolInfo.version
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
        let checkpoint: Checkpoint
        do {
            checkpoint = try Checkpoint.read(file)
        } catch let error as CheckpointError {
            throw ToolError("\(file): \(error)")
        }
        let model = Result { try Model(tensors: checkpoint.tensors) }
        if json {
            Terminal.output.line(Self.json(checkpoint, try? model.get()).text)
        } else {
            Terminal.output.line(Self.text(checkpoint, try? model.get()))
        }
        switch model {
        case .failure(let error): throw ToolError("\(file): \(error)")
        case .success(let model): if let export { try write(model, checkpoint, to: export) }
        }
    }

    private func write(_ model: Model, _ checkpoint: Checkpoint, to path: String) throws {
        let buffers = NoiseSchedule.bufferNames.compactMap { name in
            checkpoint.tensors[name].map { SafetensorsTensor(name, $0) }
        }
        let weights = try model.weights.map { name, tensor in
            half ? try Self.halved(name, tensor) : SafetensorsTensor(name, tensor)
        }
        try Safetensors.write(
            weights + buffers, metadata: ["source_sha256": checkpoint.sourceSHA256, "format": "pt"], to: path
        )
    }

    private static func halved(_ name: String, _ tensor: FloatTensor) throws -> SafetensorsTensor {
        let bytes = try tensor.values.flatMap { value -> [UInt8] in
            let half = Float16(value)
            guard half.isFinite else { throw ToolError("tensor `\(name)` holds \(value), too large for 16 bits") }
            return [UInt8(truncatingIfNeeded: half.bitPattern), UInt8(truncatingIfNeeded: half.bitPattern >> 8)]
        }
        return SafetensorsTensor(name, .f16, shape: tensor.shape, bytes: bytes)
    }
}

/// A part of the network, for the table of what it costs.
private struct Part {
    let name: String
    let parameters: Int
    let macsPerPixel: Double

    static func all(of model: Model) -> [Part] {
        let network = model.network
        func part(_ name: String, _ graph: Graph) -> Part {
            Part(name: name, parameters: graph.parameters.reduce(0) { $0 + $1.count }, macsPerPixel: graph.macsPerPixel)
        }
        let graphs = [
            part("encoder, once", network.encoder), part("condition, once", network.conditioner),
            part("noise predictor, each step", network.noisePredictor),
        ] + (model.hasPreview ? [part("preview layers", network.preview)] : [])
        let all = model.weights.values.reduce(0) { $0 + $1.values.count }
        return graphs + [Part(name: "time embedding", parameters: all - graphs.reduce(0) { $0 + $1.parameters }, macsPerPixel: 0)]
    }
}

extension Inspect {
    private static func text(_ checkpoint: Checkpoint, _ model: Model?) -> String {
        var lines = ["format         \(checkpoint.format.rawValue)", "SHA-256        \(checkpoint.sourceSHA256)"]
        if let epoch = checkpoint.epoch { lines.append("epoch          \(epoch)") }
        if let step = checkpoint.globalStep { lines.append("global step    \(step)") }
        if let model {
            let c = model.configuration, s = model.schedule
            lines += [
                "scale          ×\(c.scale)",
                "noise network  hidden size \(c.hiddenSize), multipliers \(c.multipliers.map(String.init).joined(separator: "|"))"
                    + (c.hasAttention ? ", attention" : "") + (c.hasEnlargedInput ? ", enlarged input" : ""),
                "encoder        \(c.encoderBlocks) blocks of \(c.encoderFeatures) features",
                "schedule       \(s.timesteps) timesteps, β \(short(s.betas[0])) … \(short(s.betas[s.timesteps - 1])), "
                    + "signal left at the end \(short(s.signal[s.timesteps - 1]))",
                "preview        \(model.hasPreview ? "yes" : "no")",
                "",
                Text.table(
                    [["part", "parameters", "MAC per output pixel"]] + Part.all(of: model).map {
                        [$0.name, Text.count(Double($0.parameters)), $0.macsPerPixel == 0 ? "" : Text.fixed($0.macsPerPixel, 0)]
                    }, right: [1, 2]),
            ]
        }
        lines += ["", Text.table(
            [["tensor", "shape", "values"]] + checkpoint.tensors.sorted { $0.key < $1.key }.map { name, tensor in
                [name, tensor.shape.map(String.init).joined(separator: "×"), String(tensor.values.count)]
            }, right: [2])]
        return lines.joined(separator: "\n")
    }

    private static func short(_ value: Double) -> String { value < 0.01 ? Text.fixed(value, 6) : Text.fixed(value, 3) }

    private static func json(_ checkpoint: Checkpoint, _ model: Model?) -> JSON {
        var members: [(key: String, value: JSON)] = [
            ("format", .string(checkpoint.format.rawValue)), ("sha256", .string(checkpoint.sourceSHA256)),
            ("epoch", checkpoint.epoch.map(JSON.int) ?? .null), ("global_step", checkpoint.globalStep.map(JSON.int) ?? .null),
        ]
        if let model {
            let c = model.configuration
            members.append(("configuration", [
                "scale": .int(c.scale), "hidden_size": .int(c.hiddenSize), "multipliers": .array(c.multipliers.map(JSON.int)),
                "encoder_blocks": .int(c.encoderBlocks), "encoder_features": .int(c.encoderFeatures),
                "attention": .bool(c.hasAttention), "enlarged_input": .bool(c.hasEnlargedInput),
                "timesteps": .int(c.timesteps), "preview": .bool(model.hasPreview),
            ]))
            members.append(("parts", .array(Part.all(of: model).map {
                ["name": .string($0.name), "parameters": .int($0.parameters), "mac_per_pixel": .number($0.macsPerPixel)]
            })))
        }
        members.append(("tensors", .array(checkpoint.tensors.sorted { $0.key < $1.key }.map { name, tensor in
            ["name": .string(name), "shape": .array(tensor.shape.map(JSON.int))]
        })))
        return .object(members)
    }
}
