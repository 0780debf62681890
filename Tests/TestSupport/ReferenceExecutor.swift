import SRDModel
import SRDTensor

/// The network, computed as plainly as possible: whole maps, naive loops, sums in double precision. It judges the
/// runtime.
///
/// An int8 model is simulated: its weights are the real numbers they stand for, and the outputs that the model keeps as
/// quantized values are rounded to them.
public struct ReferenceExecutor {
    public let model: Model
    /// Called with every node's output as its readers see it: in float if it is kept in float.
    public var observe: ((Node, FloatTensor) -> Void)?

    private let time: TimeEmbedding

    public init(_ model: Model) {
        self.model = model
        time = TimeEmbedding(model.configuration, weights: model.parameters)
    }

    /// A node's output, and what int8 layers read of it.
    private struct Output {
        let exact: FloatTensor
        let quantized: FloatTensor
    }

    /// The encoder's maps that condition the noise predictor, then the trunk's output; the image is mapped from −1…1 to
    /// 0…1.
    public func features(_ lr: FloatTensor) -> [FloatTensor] {
        run(model.network.encoder, [FloatTensor(shape: lr.shape, values: lr.values.map { $0 * 0.5 + 0.5 })])
    }

    /// What is added at full resolution.
    public func encode(_ lr: FloatTensor, upsampled: FloatTensor?) -> FloatTensor {
        run(model.network.conditioner, features(lr).dropLast() + (upsampled.map { [$0] } ?? []))[0]
    }

    public func predictNoise(in x: FloatTensor, at timestep: Int, given condition: FloatTensor) -> FloatTensor {
        run(model.network.noisePredictor, [x, condition], at: timestep)[0]
    }

    /// In 0…1, not clamped.
    public func encoderImage(_ lr: FloatTensor) -> FloatTensor { run(model.network.preview, [features(lr).last!])[0] }

    private func run(_ graph: Graph, _ inputs: [FloatTensor], at timestep: Int = 0) -> [FloatTensor] {
        let biases = time.biases(of: graph, at: timestep)
        var outputs: [Output] = []
        for node in graph.nodes {
            let isInt8 = model.layers[node.name]?.isInt8 ?? false
            func read(_ value: Value) -> FloatTensor {
                isInt8 ? outputs[value.index].quantized : outputs[value.index].exact
            }
            let values = node.inputs.map(read), residuals = node.residuals.map { outputs[$0.index].exact }
            let output: FloatTensor =
                switch node.operation {
                case .input: inputs[graph.inputs.firstIndex(of: node.output)!]
                case .convolution(let convolution): self.convolution(node, convolution, values, residuals, biases)
                case .transposedConvolution(let stride): transposedConvolution(node, stride: stride, values)
                case .nearestUpsample: upsample(values[0])
                case .linearAttention(let heads, let channels):
                    attention(node, values[0], heads: heads, channels: channels)
                }
            outputs.append(stored(output, of: node, at: timestep))
            observe?(node, outputs.last!.exact)
        }
        return graph.outputs.map { outputs[$0.index].exact }
    }

    private func stored(_ output: FloatTensor, of node: Node, at timestep: Int) -> Output {
        guard let activation = model.activations[node.name] else { return Output(exact: output, quantized: output) }
        let quantization = activation.at(timestep, of: model.calibratedTimesteps)
        let rounded = FloatTensor(
            shape: output.shape, values: output.values.map { quantization.real(quantization.quantized($0)) })
        return Output(exact: activation.keepsFloat && node.operation != .input ? output : rounded, quantized: rounded)
    }

    /// gain · activation(convolution + bias) + time bias + Σ residual gain · residual
    private func convolution(
        _ node: Node, _ c: Convolution, _ inputs: [FloatTensor], _ residuals: [FloatTensor], _ biases: [String: [Float]]
    ) -> FloatTensor {
        let weights = model.layers[node.name]!.realWeights(of: node), bias = model.layers[node.name]!.bias
        let timeBias = c.timeBias.map { biases[$0]! }, input = concatenated(inputs), pad = (c.kernel - 1) / 2
        return map(height: input.height / c.stride, width: input.width / c.stride, channels: bias.count) { y, x, o in
            var sum = Double(bias[o])
            for ky in 0..<c.kernel {
                for kx in 0..<c.kernel {
                    guard let (sy, sx) = source(y * c.stride + ky - pad, x * c.stride + kx - pad, input, c.border)
                    else { continue }
                    let pixel = (sy * input.width + sx) * input.channels
                    for i in 0..<input.channels {
                        sum +=
                            Double(input.values[pixel + i])
                            * Double(weights[((o * input.channels + i) * c.kernel + ky) * c.kernel + kx])
                    }
                }
            }
            var value = c.gain * activate(Float(sum), c.activation) + (timeBias?[o] ?? 0)
            for (residual, gain) in zip(residuals, c.residualGains) {
                value += gain * residual.values[(y * residual.width + x) * residual.channels + o]
            }
            return value
        }
    }

    /// The pixel that a convolution reads at (y, x), or nil for 0.
    private func source(_ y: Int, _ x: Int, _ input: FloatTensor, _ border: Border) -> (Int, Int)? {
        func inside(_ i: Int, _ count: Int) -> Int? {
            if (0..<count).contains(i) { return i }
            return border == .zero ? nil : i < 0 ? -i : 2 * (count - 1) - i
        }
        guard let y = inside(y, input.height), let x = inside(x, input.width) else { return nil }
        return (y, x)
    }

    private func activate(_ x: Float, _ activation: Activation) -> Float {
        switch activation {
        case .none: return x
        case .leakyReLU: return x < 0 ? 0.2 * x : x
        case .mish:  // x · tanh(ln(1 + eˣ)), tanh(ln u) = (u² − 1) / (u² + 1)
            let u = 1 + Mathematics.exp(min(Double(x), 40))
            return Float(Double(x) * (u * u - 1) / (u * u + 1))
        }
    }

    /// PyTorch's ConvTranspose2d with kernel 2·stride and padding stride/2: input pixel i adds to outputs stride · i +
    /// k − stride/2.
    private func transposedConvolution(_ node: Node, stride: Int, _ inputs: [FloatTensor]) -> FloatTensor {
        let weights = model.layers[node.name]!.realWeights(of: node), bias = model.layers[node.name]!.bias
        let input = concatenated(inputs), kernel = 2 * stride
        return map(height: input.height * stride, width: input.width * stride, channels: bias.count) { y, x, o in
            var sum = Double(bias[o])
            for ky in 0..<kernel where (y + stride / 2 - ky) % stride == 0 {
                for kx in 0..<kernel where (x + stride / 2 - kx) % stride == 0 {
                    let sy = (y + stride / 2 - ky) / stride, sx = (x + stride / 2 - kx) / stride
                    guard (0..<input.height).contains(sy), (0..<input.width).contains(sx), y + stride / 2 >= ky,
                        x + stride / 2 >= kx
                    else { continue }
                    let pixel = (sy * input.width + sx) * input.channels
                    for i in 0..<input.channels {
                        sum +=
                            Double(input.values[pixel + i])
                            * Double(weights[((i * bias.count + o) * kernel + ky) * kernel + kx])
                    }
                }
            }
            return Float(sum)
        }
    }

    private func upsample(_ input: FloatTensor) -> FloatTensor {
        map(height: 2 * input.height, width: 2 * input.width, channels: input.channels) { y, x, c in
            input.values[(y / 2 * input.width + x / 2) * input.channels + c]
        }
    }

    /// input + g · to_out(contextᵀ · q) with context = softmax(k) · vᵀ over all pixels, per head.
    private func attention(_ node: Node, _ input: FloatTensor, heads: Int, channels: Int) -> FloatTensor {
        let qkv = pointwise(input, "\(node.name).fn.to_qkv"), inner = heads * channels,
            pixels = input.height * input.width
        func value(_ part: Int, _ pixel: Int, _ channel: Int) -> Double {
            Double(qkv.values[(pixel * 3 + part) * inner + channel])
        }
        var out = FloatTensor(height: input.height, width: input.width, channels: inner)
        for head in stride(from: 0, to: inner, by: channels) {
            for i in head..<head + channels {
                let largest = (0..<pixels).map { value(1, $0, i) }.max()!
                let weights = (0..<pixels).map { Mathematics.exp(value(1, $0, i) - largest) },
                    total = weights.reduce(0, +)
                for j in head..<head + channels {
                    let context = (0..<pixels).reduce(0.0) { $0 + weights[$1] * value(2, $1, j) } / total
                    for p in 0..<pixels { out.values[p * inner + j] += Float(context * value(0, p, i)) }
                }
            }
        }
        let projected = pointwise(out, "\(node.name).fn.to_out"), gain = model.parameters["\(node.name).g"]!.values[0]
        return FloatTensor(shape: input.shape, values: zip(input.values, projected.values).map { $0 + gain * $1 })
    }

    private func pointwise(_ input: FloatTensor, _ name: String) -> FloatTensor {
        let weight = model.parameters["\(name).weight"]!, bias = model.parameters["\(name).bias"]?.values
        return map(height: input.height, width: input.width, channels: weight.shape[0]) { y, x, o in
            var sum = Double(bias?[o] ?? 0)
            for i in 0..<input.channels {
                sum +=
                    Double(input.values[(y * input.width + x) * input.channels + i])
                    * Double(weight.values[o * input.channels + i])
            }
            return Float(sum)
        }
    }

    private func concatenated(_ inputs: [FloatTensor]) -> FloatTensor {
        guard inputs.count > 1 else { return inputs[0] }
        var values: [Float] = []
        for p in 0..<inputs[0].height * inputs[0].width {
            for input in inputs { values += input.values[p * input.channels..<(p + 1) * input.channels] }
        }
        return FloatTensor(
            shape: [inputs[0].height, inputs[0].width, inputs.reduce(0) { $0 + $1.channels }], values: values)
    }

    private func map(height: Int, width: Int, channels: Int, _ value: (Int, Int, Int) -> Float) -> FloatTensor {
        var values: [Float] = []
        values.reserveCapacity(height * width * channels)
        for y in 0..<height { for x in 0..<width { for c in 0..<channels { values.append(value(y, x, c)) } } }
        return FloatTensor(shape: [height, width, channels], values: values)
    }
}
