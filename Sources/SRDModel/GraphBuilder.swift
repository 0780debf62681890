/// Builds a graph layer by layer.
public struct GraphBuilder {
    private let role: Graph.Role
    /// The width of the embedding that time biases are computed from.
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

    /// Adds a convolution of the concatenated inputs with `channels` output channels, with the epilogue of
    /// `Convolution`.
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
        append(
            name, .nearestUpsample, [input],
            FeatureShape(channels: input.shape.channels, reduction: input.shape.reduction / 2))
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
    /// Creates one graph from two. An input of the second with the name of an output of the first is replaced by that
    /// output.
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
            nodes.append(
                Node(
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
