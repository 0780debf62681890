/// A tensor in a graph, by the index of the node that makes it.
public struct Value: Hashable, Sendable {
    public let index: Int
    public let shape: FeatureShape
}

/// A feature map's channels, and how many pixels of the enlarged image one of its pixels spans along each axis.
public struct FeatureShape: Hashable, Sendable {
    public let channels: Int
    public let reduction: Int

    public init(channels: Int, reduction: Int) {
        self.channels = channels
        self.reduction = reduction
    }
}

public enum Activation: Hashable, Sendable {
    case none
    /// x · tanh(ln(1 + eˣ))
    case mish
    /// x, or 0.2 · x where x < 0
    case leakyReLU
}

/// What stands beyond a feature map's edge.
public enum Border: Hashable, Sendable {
    case zero
    /// …c b │ a b c…: the edge pixel itself is not repeated.
    case reflect
}

/// gain · activation(convolution + bias) + time bias + Σ residual gain · residual
public struct Convolution: Hashable, Sendable {
    /// Square kernel of 1 or 3; padding is (kernel − 1) / 2.
    public let kernel: Int
    public let stride: Int
    public let border: Border
    public let activation: Activation
    public let gain: Float
    /// The linear layer whose output for a timestep is added per channel, by its checkpoint name.
    public let timeBias: String?
    /// One gain per node residual.
    public let residualGains: [Float]
}

public enum Operation: Hashable, Sendable {
    case input
    /// Weights `[out, Σ in, kernel, kernel]`; several inputs are concatenated along their channels.
    case convolution(Convolution)
    /// Kernel 2·stride, padding stride/2: every output pixel sees 2×2 inputs. Weights `[in, out, 2·stride, 2·stride]`.
    case transposedConvolution(stride: Int)
    /// Nearest-neighbour upsampling by 2.
    case nearestUpsample
    /// input + g · attention(input), over the whole map at once (Katharopoulos et al. 2020, softmax over pixels).
    case linearAttention(heads: Int, headChannels: Int)
}

public struct Node: Hashable, Sendable {
    /// The checkpoint's own name of the layer, without `.weight`.
    public let name: String
    public let operation: Operation
    /// Concatenated along channels.
    public let inputs: [Value]
    /// Added in the epilogue, each times its gain.
    public let residuals: [Value]
    public let output: Value

    /// Whether it has weights of its own under `….weight` and `….bias`.
    public var isConvolution: Bool {
        switch operation {
        case .convolution, .transposedConvolution: return true
        case .input, .nearestUpsample, .linearAttention: return false
        }
    }

    /// The dimension of a convolution's weights that counts output channels; the other one of the first two counts input channels.
    public var outputDimension: Int {
        if case .transposedConvolution = operation { return 1 }
        return 0
    }
}

/// A tensor that a graph needs, with its PyTorch shape.
public struct Parameter: Hashable, Sendable {
    public let name: String
    public let shape: [Int]

    public var count: Int { shape.reduce(1, *) }
}

/// Nodes in an order in which they can run: a node's inputs come before it.
public struct Graph: Sendable {
    /// What a graph is for; the raw value is its name in files and reports.
    public enum Role: String, Hashable, Sendable, CaseIterable {
        case encoder, conditioner, noisePredictor, preview
        /// The conditioner and the noise predictor joined into one graph, for images whose condition is not stored.
        case conditionedNoisePredictor

        /// Whether the graph runs once per timestep.
        public var dependsOnTimestep: Bool { self == .noisePredictor || self == .conditionedNoisePredictor }
    }

    public let role: Role
    public let nodes: [Node]
    public let inputs: [Value]
    public let outputs: [Value]
    public let parameters: [Parameter]

    public func node(of value: Value) -> Node { nodes[value.index] }

    /// The values that leave the network: an image or the predicted noise. They stay in float.
    public var results: [Value] {
        switch role {
        case .noisePredictor, .conditionedNoisePredictor, .preview: outputs
        case .encoder, .conditioner: []
        }
    }

    /// What stands beyond each value's edge, by value index: its consumers say, and they agree.
    public var borders: [Border] {
        var borders = [Border?](repeating: nil, count: nodes.count)
        for node in nodes {
            let border: Border
            switch node.operation {
            case .convolution(let c) where c.kernel > 1: border = c.border
            case .transposedConvolution: border = .zero
            default: continue
            }
            for input in node.inputs {
                precondition(borders[input.index] ?? border == border, "\(node.name): its input has two kinds of border")
                borders[input.index] = border
            }
        }
        return borders.map { $0 ?? .zero }
    }
}

/// Writes a graph down, layer by layer.
public struct GraphBuilder {
    private let role: Graph.Role
    /// Width of the embedding that time biases are made from.
    public var timeWidth = 0
    private var nodes: [Node] = []
    private var inputs: [Value] = []
    private var parameters: [Parameter] = []

    public init(_ role: Graph.Role) { self.role = role }

    public func finish(outputs: [Value]) -> Graph {
        Graph(role: role, nodes: nodes, inputs: inputs, outputs: outputs, parameters: parameters)
    }

    private mutating func append(
        _ name: String, _ operation: Operation, _ inputs: [Value], residuals: [Value] = [], _ shape: FeatureShape
    ) -> Value {
        let output = Value(index: nodes.count, shape: shape)
        nodes.append(Node(name: name, operation: operation, inputs: inputs, residuals: residuals, output: output))
        return output
    }

    public mutating func input(_ name: String, _ shape: FeatureShape) -> Value {
        let value = append(name, .input, [], shape)
        inputs.append(value)
        return value
    }

    /// `channels` out of the concatenation of `inputs`; the epilogue is `Convolution`'s.
    public mutating func convolution(
        _ inputs: [Value], _ name: String, channels: Int, kernel: Int = 3, stride: Int = 1, border: Border,
        activation: Activation = .none, gain: Float = 1, timeBias: String? = nil,
        residuals: [(value: Value, gain: Float)] = []
    ) -> Value {
        let channelsIn = inputs.reduce(0) { $0 + $1.shape.channels }
        parameters.append(Parameter(name: "\(name).weight", shape: [channels, channelsIn, kernel, kernel]))
        parameters.append(Parameter(name: "\(name).bias", shape: [channels]))
        if let timeBias {
            parameters.append(Parameter(name: "\(timeBias).weight", shape: [channels, timeWidth]))
            parameters.append(Parameter(name: "\(timeBias).bias", shape: [channels]))
        }
        let convolution = Convolution(
            kernel: kernel, stride: stride, border: border, activation: activation, gain: gain,
            timeBias: timeBias, residualGains: residuals.map(\.gain)
        )
        let shape = FeatureShape(channels: channels, reduction: inputs[0].shape.reduction * stride)
        return append(name, .convolution(convolution), inputs, residuals: residuals.map(\.value), shape)
    }

    public mutating func transposedConvolution(_ inputs: [Value], _ name: String, channels: Int, stride: Int) -> Value {
        let channelsIn = inputs.reduce(0) { $0 + $1.shape.channels }
        parameters.append(Parameter(name: "\(name).weight", shape: [channelsIn, channels, 2 * stride, 2 * stride]))
        parameters.append(Parameter(name: "\(name).bias", shape: [channels]))
        let shape = FeatureShape(channels: channels, reduction: inputs[0].shape.reduction / stride)
        return append(name, .transposedConvolution(stride: stride), inputs, shape)
    }

    public mutating func nearestUpsample(_ input: Value, _ name: String) -> Value {
        append(name, .nearestUpsample, [input], FeatureShape(channels: input.shape.channels, reduction: input.shape.reduction / 2))
    }

    public mutating func linearAttention(_ input: Value, _ name: String, heads: Int, headChannels: Int) -> Value {
        let inner = heads * headChannels, channels = input.shape.channels
        parameters.append(Parameter(name: "\(name).fn.to_qkv.weight", shape: [3 * inner, channels, 1, 1]))
        parameters.append(Parameter(name: "\(name).fn.to_out.weight", shape: [channels, inner, 1, 1]))
        parameters.append(Parameter(name: "\(name).fn.to_out.bias", shape: [channels]))
        parameters.append(Parameter(name: "\(name).g", shape: [1]))
        return append(name, .linearAttention(heads: heads, headChannels: headChannels), [input], input.shape)
    }
}

extension Graph {
    /// Creates one graph from two. Inputs of the second that are named like an output of the first become that output.
    public init(joining first: Graph, to second: Graph, as role: Role) {
        var nodes = first.nodes, inputs = first.inputs, places: [Int: Value] = [:]
        let outputs = Dictionary(uniqueKeysWithValues: first.outputs.map { (first.node(of: $0).name, $0) })
        for node in second.nodes {
            if node.operation == .input, let output = outputs[node.name] {
                places[node.output.index] = output
                continue
            }
            let output = Value(index: nodes.count, shape: node.output.shape)
            places[node.output.index] = output
            nodes.append(Node(
                name: node.name, operation: node.operation, inputs: node.inputs.map { places[$0.index]! },
                residuals: node.residuals.map { places[$0.index]! }, output: output
            ))
            if node.operation == .input { inputs.append(output) }
        }
        self.init(
            role: role, nodes: nodes, inputs: inputs,
            outputs: second.outputs.map { places[$0.index]! }, parameters: first.parameters + second.parameters
        )
    }
}
