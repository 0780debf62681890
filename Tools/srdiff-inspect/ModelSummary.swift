import SRDiff
import ToolSupport

/// What float and int8 models have in common.
struct ModelSummary {
    let network: Network
    let schedule: NoiseSchedule
    let hasPreview: Bool
    let parameters: Int

    init(_ model: Model) {
        network = model.network
        schedule = model.schedule
        hasPreview = model.hasPreview
        parameters = model.parameterCount
    }

    var graphs: [Graph] { network.graphs(withPreview: hasPreview) }

    var facts: [(String, String)] {
        let c = network.configuration, s = schedule
        return [
            ("scale", "×\(c.scale)"),
            (
                "noise network",
                "hidden size \(c.hiddenSize), multipliers \(c.multipliers.map(String.init).joined(separator: "|"))"
                    + (c.hasAttention ? ", attention" : "") + (c.hasUpsampledInput ? ", bicubic upsample as input" : "")
            ),
            (
                "encoder",
                "\(c.encoderBlocks) blocks of \(c.encoderFeatures) features; "
                    + "\(c.conditioningBlocks.count) blocks condition the noise network"
            ),
            (
                "noise schedule",
                "\(s.timesteps) timesteps, β \(Text.shortNumber(s.betas[0])) to "
                    + "\(Text.shortNumber(s.betas[s.timesteps - 1])), "
                    + "final signal \(Text.shortNumber(s.signal[s.timesteps - 1]))"
            ),
            ("preview", hasPreview ? "yes" : "no"),
        ]
    }

    /// A part of the network, for the table of costs.
    struct Part {
        let name: String
        let parameters: Int
        let macsPerPixel: Double
    }

    var parts: [Part] {
        func part(_ name: String, _ graph: Graph) -> Part {
            Part(name: name, parameters: graph.parameters.reduce(0) { $0 + $1.count }, macsPerPixel: graph.macsPerPixel)
        }
        let parts =
            [
                part("encoder, once", network.encoder), part("condition, once", network.conditioner),
                part("noise predictor, each step", network.noisePredictor),
            ] + (hasPreview ? [part("preview layers", network.preview)] : [])
        let rest = parameters - parts.reduce(0) { $0 + $1.parameters }
        return parts + [Part(name: "time embedding", parameters: rest, macsPerPixel: 0)]
    }

    var partsTable: String {
        let rows =
            [["part", "parameters", "MAC per output pixel"]]
            + parts.map {
                [$0.name, String($0.parameters), $0.macsPerPixel == 0 ? "" : Text.fixed($0.macsPerPixel, 0)]
            } + [["all", String(parameters), ""]]
        return Table.aligned(rows, right: [1, 2])
    }

    /// - Parameter details: what to add to the description of a layer.
    func json(details: (Node) -> [(key: String, value: JSON)] = { _ in [] }) -> [(key: String, value: JSON)] {
        let c = network.configuration
        let layers = graphs.flatMap { graph in
            graph.nodes.filter { $0.operation != .input }.map { Self.json($0, in: graph, details: details($0)) }
        }
        return [
            (
                "configuration",
                [
                    "scale": .int(c.scale), "hidden_size": .int(c.hiddenSize),
                    "multipliers": .array(c.multipliers.map(JSON.int)),
                    "encoder_blocks": .int(c.encoderBlocks), "encoder_features": .int(c.encoderFeatures),
                    "attention": .bool(c.hasAttention), "upsampled_input": .bool(c.hasUpsampledInput),
                    "timesteps": .int(c.timesteps), "preview": .bool(hasPreview),
                ]
            ),
            ("betas", .array(schedule.betas.map(JSON.number))),
            (
                "parts",
                .array(
                    parts.map {
                        [
                            "name": .string($0.name), "parameters": .int($0.parameters),
                            "mac_per_pixel": .number($0.macsPerPixel),
                        ]
                    })
            ),
            ("layers", .array(layers)),
        ]
    }

    /// A layer for programs that predict run time or memory. `reduction` is the number of output pixels of the model
    /// per pixel of the layer's output, along each axis.
    private static func json(_ node: Node, in graph: Graph, details: [(key: String, value: JSON)]) -> JSON {
        var members: [(key: String, value: JSON)] = [
            ("part", .string(graph.role.rawValue)), ("name", .string(node.name)),
        ]
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
        return .object(
            members + [
                ("inputs", .array(node.inputs.map { .int($0.shape.channels) })),
                ("residuals", .array(node.residuals.map { .string(graph.node(of: $0).name) })),
                ("channels", .int(node.output.shape.channels)), ("reduction", .int(node.output.shape.reduction)),
                ("mac_per_pixel", .number(node.macsPerPixel)),
            ] + details)
    }
}
