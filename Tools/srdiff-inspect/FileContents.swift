import SRDCheckpoint
import SRDFile
import SRDTensor
import SRDiff
import ToolSupport

/// A model file, read, and the model in it if there is one.
struct FileContents {
    struct Tensor {
        let name: String, type: String, shape: [Int]
    }

    let format: Checkpoint.Format
    let size: Int
    let sha256: String
    /// A safetensors file's own, and what a training run says of itself.
    let metadata: [(key: String, value: String)]
    /// Of every type, in the file's order where it has one.
    let tensors: [Tensor]
    let floats: [String: FloatTensor]
    let model: Result<Model, ModelError>

    init(_ path: String) throws {
        let file = try MappedFile(path: path), checkpoint = try Self.checkpoint(file)
        size = file.withBytes { $0.count }
        format = checkpoint?.format ?? .safetensors
        sha256 = checkpoint?.sourceSHA256 ?? file.withBytes { SHA256.hex($0) }
        floats = checkpoint?.tensors ?? [:]
        model = Self.model(floats)
        if format == .safetensors {
            let safetensors = try Safetensors(file)
            tensors = safetensors.entries.map { Tensor(name: $0.name, type: $0.type.rawValue, shape: $0.shape) }
            metadata = safetensors.metadata.map { (key: $0.key, value: $0.value) }.sorted { $0.key < $1.key }
        } else {
            tensors = floats.sorted { $0.key < $1.key }.map { name, tensor in
                Tensor(name: name, type: checkpoint?.types[name]?.rawValue ?? "", shape: tensor.shape)
            }
            metadata = [("epoch", checkpoint?.epoch), ("global_step", checkpoint?.globalStep)].compactMap { key, value in
                value.map { (key: key, value: String($0)) }
            }
        }
    }

    /// nil for a safetensors file without a single float: its tensors can be listed all the same.
    private static func checkpoint(_ file: MappedFile) throws -> Checkpoint? {
        do throws(CheckpointError) {
            return try Checkpoint(file)
        } catch {
            if error == .noTensors && (try? Safetensors(file)) != nil { return nil }
            throw ToolError("\(file.path): \(error)")
        }
    }

    private static func model(_ tensors: [String: FloatTensor]) -> Result<Model, ModelError> {
        do throws(ModelError) {
            return .success(try Model(tensors: tensors))
        } catch {
            return .failure(error)
        }
    }
}

/// A part of the network, for the table of what it costs.
struct Part {
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
        let all = model.parameterCount
        return graphs + [Part(name: "time embedding", parameters: all - graphs.reduce(0) { $0 + $1.parameters }, macsPerPixel: 0)]
    }
}

extension FileContents {
    var heading: String {
        let facts = [("container", "\(format.rawValue), \(ByteCount.text(size))"), ("SHA-256", sha256)]
        return Self.aligned(facts + metadata.map { ($0.key, $0.value) })
    }

    var text: String {
        let rows = [["tensor", "type", "shape"]] + tensors.map { [$0.name, $0.type, $0.shape.map(String.init).joined(separator: "×")] }
        return [heading, (try? model.get()).map(Self.text), Text.table(rows)].compactMap { $0 }.joined(separator: "\n\n")
    }

    private static func text(_ model: Model) -> String {
        let c = model.configuration, s = model.schedule
        let facts = aligned([
            ("scale", "×\(c.scale)"),
            ("noise network", "hidden size \(c.hiddenSize), multipliers \(c.multipliers.map(String.init).joined(separator: "|"))"
                + (c.hasAttention ? ", attention" : "") + (c.hasEnlargedInput ? ", enlarged input" : "")),
            ("encoder", "\(c.encoderBlocks) blocks of \(c.encoderFeatures) features, of which \(c.conditioningBlocks.count) condition the noise network"),
            ("schedule", "\(s.timesteps) timesteps, β \(short(s.betas[0])) … \(short(s.betas[s.timesteps - 1])), "
                + "signal left at the end \(short(s.signal[s.timesteps - 1]))"),
            ("preview", model.hasPreview ? "yes" : "no")
        ])
        let rows = [["part", "parameters", "MAC per output pixel"]] + Part.all(of: model).map {
            [$0.name, String($0.parameters), $0.macsPerPixel == 0 ? "" : Text.fixed($0.macsPerPixel, 0)]
        } + [["all", String(model.parameterCount), ""]]
        return facts + "\n\n" + Text.table(rows, right: [1, 2])
    }

    private static func aligned(_ facts: [(String, String)]) -> String {
        facts.map { $0 + String(repeating: " ", count: max(2, 15 - $0.count)) + $1 }.joined(separator: "\n")
    }

    private static func short(_ value: Double) -> String { value < 0.01 ? Text.fixed(value, 6) : Text.fixed(value, 3) }

    var json: JSON {
        var members: [(key: String, value: JSON)] = [
            ("format", .string(format.rawValue)), ("bytes", .int(size)), ("sha256", .string(sha256)),
            ("metadata", .object(metadata.map { ($0.key, .string($0.value)) }))
        ]
        switch model {
        case .success(let model):
            let c = model.configuration
            members.append(("configuration", [
                "scale": .int(c.scale), "hidden_size": .int(c.hiddenSize), "multipliers": .array(c.multipliers.map(JSON.int)),
                "encoder_blocks": .int(c.encoderBlocks), "encoder_features": .int(c.encoderFeatures),
                "attention": .bool(c.hasAttention), "enlarged_input": .bool(c.hasEnlargedInput),
                "timesteps": .int(c.timesteps), "preview": .bool(model.hasPreview)
            ]))
            members.append(("betas", .array(model.schedule.betas.map(JSON.number))))
            members.append(("parts", .array(Part.all(of: model).map {
                ["name": .string($0.name), "parameters": .int($0.parameters), "mac_per_pixel": .number($0.macsPerPixel)]
            })))
            members.append(("layers", .array(Layer.all(of: model).map(\.json))))
        case .failure(let error): members.append(("error", .string("\(error)")))
        }
        members.append(("tensors", .array(tensors.map {
            ["name": .string($0.name), "type": .string($0.type), "shape": .array($0.shape.map(JSON.int))]
        })))
        return .object(members)
    }
}

/// A node that computes something, for programs that reckon with it: what a board will take, say.
struct Layer {
    let graph: Graph
    let node: Node

    static func all(of model: Model) -> [Layer] {
        let network = model.network
        let graphs = [network.encoder, network.conditioner, network.noisePredictor] + (model.hasPreview ? [network.preview] : [])
        return graphs.flatMap { graph in
            graph.nodes.filter { $0.operation != .input }.map { Layer(graph: graph, node: $0) }
        }
    }

    /// `reduction`: result pixels per pixel of the layer's output, along each axis.
    var json: JSON {
        var members: [(key: String, value: JSON)] = [("part", .string(graph.role.rawValue)), ("name", .string(node.name))]
        switch node.operation {
        case .input: break
        case .convolution(let c):
            members += [
                ("kind", "convolution"), ("kernel", .int(c.kernel)), ("stride", .int(c.stride)),
                ("activation", .string("\(c.activation)")), ("time_bias", .bool(c.timeBias != nil)),
            ]
        case .transposedConvolution(let stride):
            members += [("kind", "transposed"), ("kernel", .int(2 * stride)), ("stride", .int(stride))]
        case .nearestUpsample: members.append(("kind", "nearest"))
        case .linearAttention: members.append(("kind", "attention"))
        }
        return .object(members + [
            ("inputs", .array(node.inputs.map { .int($0.shape.channels) })),
            ("residuals", .array(node.residuals.map { .string(graph.node(of: $0).name) })),
            ("channels", .int(node.output.shape.channels)), ("reduction", .int(node.output.shape.reduction)),
            ("mac_per_pixel", .number(node.macsPerPixel)),
        ])
    }
}
