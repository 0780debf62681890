/// SRDiff's network as graphs, which the executor, the quantizer and the comparison share.
public struct Network: Sendable {
    public let configuration: Configuration
    /// Low-resolution image (0…1) → the maps that condition the noise predictor, then the trunk's output.
    public let encoder: Graph
    /// Encoder maps (and the bicubic upsample with "up_input") → the condition, a map at full resolution, once per
    /// image.
    public let conditioner: Graph
    /// x_t and the condition → the predicted noise, once per step.
    public let noisePredictor: Graph
    /// The trunk's output → the encoder's own image (0…1 before clamping); not needed for sampling.
    public let preview: Graph

    public init(_ configuration: Configuration) {
        self.configuration = configuration
        // A graph's input has the name of the node that computes it in an earlier graph.
        encoder = Self.encoder(configuration)
        let maps = encoder.outputs.map { [encoder] in encoder.node(of: $0).name }
        conditioner = Self.conditioner(configuration, maps: Array(maps.dropLast()))
        noisePredictor = Self.noisePredictor(
            configuration, condition: conditioner.node(of: conditioner.outputs[0]).name)
        preview = Self.preview(configuration, trunk: maps.last!)
    }

    /// The parameters that sampling requires. Those of the preview are separate.
    public var samplingParameters: [Parameter] {
        encoder.parameters + conditioner.parameters + noisePredictor.parameters
            + TimeEmbedding.parameters(configuration)
    }

    // MARK: Encoder (RRDBNet; Wang et al. 2018, arXiv 1809.00219)

    private static func encoder(_ configuration: Configuration) -> Graph {
        var graph = GraphBuilder(.encoder)
        let low = graph.input("low", FeatureShape(channels: 3, reduction: configuration.scale))
        let first = graph.convolution(
            [low], "rrdb.conv_first", channels: configuration.encoderFeatures, border: .zero
        )
        var maps: [Value] = []
        var x = first
        for block in 0..<configuration.encoderBlocks {
            x = graph.residualInResidual(x, "rrdb.RRDB_trunk.\(block)")
            maps.append(x)
        }
        let trunk = graph.convolution(
            [x], "rrdb.trunk_conv", channels: configuration.encoderFeatures, border: .zero, residuals: [(first, 1)]
        )
        maps.append(trunk)
        return graph.finish(outputs: configuration.conditioningBlocks.map { maps[$0] } + [trunk])
    }

    private static func preview(_ configuration: Configuration, trunk: String) -> Graph {
        var graph = GraphBuilder(.preview)
        let features = configuration.encoderFeatures
        var x = graph.input(trunk, FeatureShape(channels: features, reduction: configuration.scale))
        for i in 1...configuration.scale.trailingZeroBitCount {
            x = graph.nearestUpsample(x, "rrdb.upconv\(i).nearest")
            x = graph.convolution([x], "rrdb.upconv\(i)", channels: features, border: .zero, activation: .leakyReLU)
        }
        x = graph.convolution([x], "rrdb.HRconv", channels: features, border: .zero, activation: .leakyReLU)
        x = graph.convolution([x], "rrdb.conv_last", channels: 3, border: .zero)
        return graph.finish(outputs: [x])
    }

    // MARK: Condition

    private static func conditioner(_ configuration: Configuration, maps: [String]) -> Graph {
        var graph = GraphBuilder(.conditioner)
        let shape = FeatureShape(channels: configuration.encoderFeatures, reduction: configuration.scale)
        let maps = maps.map { graph.input($0, shape) }
        let channels = configuration.channels[0]
        var condition = graph.transposedConvolution(
            maps, "denoise_fn.cond_proj", channels: configuration.hiddenSize, stride: configuration.scale
        )
        if configuration.hasUpsampledInput {
            let upsampled = graph.input("upsampled", FeatureShape(channels: 3, reduction: 1))
            condition = graph.convolution(
                [upsampled], "denoise_fn.up_proj.1", channels: channels, border: .reflect, residuals: [(condition, 1)]
            )
        }
        return graph.finish(outputs: [condition])
    }

    // MARK: Noise predictor (U-Net without normalisation)

    private static func noisePredictor(_ configuration: Configuration, condition: String) -> Graph {
        var graph = GraphBuilder(.noisePredictor)
        graph.timeWidth = configuration.hiddenSize
        let channels = configuration.channels, last = configuration.levels - 1
        var x = graph.input("x_t", FeatureShape(channels: 3, reduction: 1))
        let condition = graph.input(condition, FeatureShape(channels: configuration.hiddenSize, reduction: 1))

        var skips: [Value] = []
        for level in 0...last {
            let name = "denoise_fn.downs.\(level)"
            x = graph.residualBlock([x], "\(name).0", channels: channels[level])
            x = graph.residualBlock([x], "\(name).1", channels: channels[level], plus: level == 0 ? condition : nil)
            skips.append(x)
            if level < last {
                x = graph.convolution([x], "\(name).2.conv.1", channels: channels[level], stride: 2, border: .reflect)
            }
        }
        x = graph.residualBlock([x], "denoise_fn.mid_block1", channels: channels[last])
        if configuration.hasAttention {
            x = graph.linearAttention(
                x, "denoise_fn.mid_attn.fn", heads: Configuration.attentionHeads,
                headChannels: Configuration.attentionHeadChannels
            )
        }
        x = graph.residualBlock([x], "denoise_fn.mid_block2", channels: channels[last])
        for (i, level) in stride(from: last, to: 0, by: -1).enumerated() {  // the full-resolution skip is not used
            let name = "denoise_fn.ups.\(i)"
            x = graph.residualBlock([x, skips[level]], "\(name).0", channels: channels[level - 1])
            x = graph.residualBlock([x], "\(name).1", channels: channels[level - 1])
            x = graph.transposedConvolution([x], "\(name).2.conv.0", channels: channels[level - 1], stride: 2)
        }
        x = graph.convolution(
            [x], "denoise_fn.final_conv.0.block.1", channels: configuration.hiddenSize, border: .reflect,
            activation: .mish
        )
        x = graph.convolution([x], "denoise_fn.final_conv.1", channels: 3, kernel: 1, border: .reflect)
        return graph.finish(outputs: [x])
    }
}

extension GraphBuilder {
    /// Adds x + 0.2 · (three dense blocks of x).
    fileprivate mutating func residualInResidual(_ x: Value, _ name: String) -> Value {
        let first = denseBlock(x, "\(name).RDB1", gain: 0.2, residuals: [(x, 1)])
        let second = denseBlock(first, "\(name).RDB2", gain: 0.2, residuals: [(first, 1)])
        return denseBlock(second, "\(name).RDB3", gain: 0.2 * 0.2, residuals: [(second, 0.2), (x, 1)])
    }

    /// Adds five convolutions, each of which reads the input and the outputs of all previous ones.
    private mutating func denseBlock(
        _ x: Value, _ name: String, gain: Float, residuals: [(value: Value, gain: Float)]
    ) -> Value {
        var maps = [x]
        for i in 1...4 {
            maps.append(
                convolution(
                    maps, "\(name).conv\(i)", channels: x.shape.channels / 2, border: .zero, activation: .leakyReLU
                ))
        }
        return convolution(
            maps, "\(name).conv5", channels: x.shape.channels, border: .zero, gain: gain, residuals: residuals
        )
    }

    /// Adds two convolutions, with the time bias between them, plus the input (through a 1×1 convolution if the
    /// channels change).
    fileprivate mutating func residualBlock(
        _ x: [Value], _ name: String, channels: Int, plus condition: Value? = nil
    ) -> Value {
        let hidden = convolution(
            x, "\(name).block1.block.1", channels: channels, border: .reflect, activation: .mish,
            timeBias: "\(name).mlp.1"
        )
        let same = x.count == 1 && x[0].shape.channels == channels
        let shortcut = same ? x[0] : convolution(x, "\(name).res_conv", channels: channels, kernel: 1, border: .reflect)
        return convolution(
            [hidden], "\(name).block2.block.1", channels: channels, border: .reflect, activation: .mish,
            residuals: [(shortcut, Float(1))] + (condition.map { [($0, Float(1))] } ?? [])
        )
    }
}

extension Network {
    /// Returns the graphs that sampling requires and, optionally, the preview's.
    public func graphs(withPreview: Bool) -> [Graph] {
        [encoder, conditioner, noisePredictor] + (withPreview ? [preview] : [])
    }
}
