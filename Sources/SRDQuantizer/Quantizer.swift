import SRDTensor
import SRDModel

/// Converts a float model to int8, given a recipe and calibration statistics.
public struct Quantizer: Sendable {
    public let model: Model
    public let settings: QuantizerSettings

    public init(_ model: Model, settings: QuantizerSettings) {
        self.model = model
        self.settings = settings
    }

    public func quantize(_ recipe: Recipe, _ statistics: Statistics) -> Model {
        let graphs = model.network.graphs(withPreview: model.hasPreview)
        var layers: [String: Layer] = [:], activations: [String: QuantizedActivation] = [:]
        for graph in graphs {
            for node in graph.nodes where node.isConvolution {
                layers[node.name] = layer(node, of: graph, recipe, statistics)
            }
            for node in graph.nodes where node.operation != .input {
                guard let output = recipe.decisions[node.name]?.output, output != .float else { continue }
                // An upsampled map has the quantized values of the map itself.
                let source = graph.isUpsampling(node) ? graph.node(of: node.inputs[0]).name : node.name
                activations[node.name] = QuantizedActivation(
                    quantizations: quantizations(statistics.values[source]!), keepsFloat: output == .both)
            }
        }
        return Model(
            network: model.network, schedule: model.schedule, layers: layers, activations: activations,
            calibratedTimesteps: statistics.timesteps, parameters: model.parameters, hasPreview: model.hasPreview)
    }

    private func quantizations(_ value: Statistics.Value) -> [Quantization] {
        let ranges: [ClosedRange<Float>]
        if settings.usesSingleScale {
            var all = Histogram()
            for histogram in value.histograms { all.add(histogram) }
            ranges = [all.range(by: settings.ranges)]
        } else {
            ranges = value.histograms.map { $0.range(by: settings.ranges) }
        }
        return ranges.map { Quantization(covering: $0) }
    }

    private func layer(_ node: Node, of graph: Graph, _ recipe: Recipe, _ statistics: Statistics) -> Layer {
        let float = model.layers[node.name]!, bias = float.bias
        guard recipe.decisions[node.name]?.weights == .int8 else { return float }
        let weight = FloatTensor(shape: float.shape, values: float.realWeights(of: node))
        let weights = Layer.Weights(weight, of: node, scales: settings.weightScales)
        let layer = Layer(shape: weight.shape, weights: weights, bias: bias)
        guard settings.correctsBiases else { return layer }
        let means = node.inputs.flatMap { statistics.values[graph.node(of: $0).name]!.means }
        let shift = layer.meanShift(against: weight, of: node, inputMeans: means)
        return Layer(shape: weight.shape, weights: weights, bias: zip(bias, shift).map { Float(Double($0) - $1) })
    }
}

extension Layer {
    /// Returns the shift of each output channel's mean, before the activation, that rounded weights cause: Σ (q · scale
    /// − weight) · E[input]. Every output pixel of a transposed convolution reads one in stride² of the weights.
    func meanShift(against weight: FloatTensor, of node: Node, inputMeans: [Double]) -> [Double] {
        var shift = [Double](repeating: 0, count: bias.count)
        guard case .int8(let quantized, let scales) = weights else { return shift }
        var fraction = 1.0
        if case .transposedConvolution(let stride) = node.operation { fraction = 1 / Double(stride * stride) }
        for (i, value) in quantized.enumerated() {
            let o = node.outputChannel(i, shape: shape)
            let off = Double(value) * Double(scales[o]) - Double(weight.values[i])
            shift[o] += off * inputMeans[node.inputChannel(i, shape: shape)] * fraction
        }
        return shift
    }
}
