/// A tensor in a graph, identified by the index of the node that computes it.
public struct Value: Hashable, Sendable {
    public let index: Int
    public let shape: FeatureShape
}

/// A feature map's channels and its reduction: the pixels of the upscaled image per pixel of the map, along each axis.
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

/// The values outside a feature map's edges.
public enum Border: Hashable, Sendable {
    case zero
    /// Reflection, …c b │ a b c…: the edge pixel itself is not repeated.
    case reflect
}

/// A convolution with its epilogue: gain · activation(convolution + bias) + time bias + Σ residual gain · residual.
public struct Convolution: Hashable, Sendable {
    /// The side of the kernel, 1 or 3. The padding is (kernel − 1) / 2.
    public let kernel: Int
    public let stride: Int
    public let border: Border
    public let activation: Activation
    public let gain: Float
    /// The checkpoint name of the linear layer whose output for a timestep is added to each channel, or nil.
    public let timeBias: String?
    /// One gain per node residual.
    public let residualGains: [Float]
}

public enum Operation: Hashable, Sendable {
    case input
    /// A convolution. Several inputs are concatenated along their channels. Weights are `[out, Σ in, kernel, kernel]`.
    case convolution(Convolution)
    /// A transposed convolution with kernel 2·stride and padding stride/2, so every output pixel reads 2×2 inputs.
    /// Weights are `[in, out, 2·stride, 2·stride]`.
    case transposedConvolution(stride: Int)
    /// Nearest-neighbour upsampling by 2.
    case nearestUpsample
    /// input + g · attention(input), over the whole map at once (Katharopoulos et al. 2020, softmax over pixels).
    case linearAttention(heads: Int, headChannels: Int)
}

public struct Node: Hashable, Sendable {
    /// The layer's name in the checkpoint, without `.weight`.
    public let name: String
    public let operation: Operation
    /// The node's inputs, concatenated along channels.
    public let inputs: [Value]
    /// Values that the epilogue adds, each multiplied by its gain.
    public let residuals: [Value]
    public let output: Value

    /// Whether the node has weights under `….weight` and `….bias`.
    public var isConvolution: Bool {
        switch operation {
        case .convolution, .transposedConvolution: return true
        case .input, .nearestUpsample, .linearAttention: return false
        }
    }

    /// The index of the output channels in the shape of a convolution's weights. The input channels are the other one
    /// of the first two.
    public var outputDimension: Int {
        if case .transposedConvolution = operation { return 1 }
        return 0
    }
}

/// A tensor that a graph requires, with its PyTorch shape.
public struct Parameter: Hashable, Sendable {
    public let name: String
    public let shape: [Int]

    public var count: Int { shape.reduce(1, *) }
}

/// Nodes in an order in which they can run: a node's inputs precede it.
public struct Graph: Sendable {
    /// The purpose of a graph. The raw value is its name in files and reports.
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

    /// The border of each value, by value index. It is determined by the nodes that read the value, which must agree.
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
                precondition(
                    borders[input.index] ?? border == border, "\(node.name): its input has two kinds of border")
                borders[input.index] = border
            }
        }
        return borders.map { $0 ?? .zero }
    }
}
