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
