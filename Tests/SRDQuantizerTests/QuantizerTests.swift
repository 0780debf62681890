import SRDRuntime
import SRDImage
import SRDQuantizer
import SRDTensor
import SRDModel
import TestSupport
import Testing

@Suite("Quantizer")
struct QuantizerTests {
    private static let layer = "denoise_fn.downs.1.0.block2.block.1"

    private func quantized(_ change: (inout QuantizerSettings) -> Void = { _ in }) throws -> Model {
        var settings = TinyQuantizer.settings()
        change(&settings)
        return try TinyQuantizer.quantize(try TinyModel.model(), settings: settings)
    }

    @Test(
        "weights are rounded by at most half a step, and a channel's largest becomes ±127",
        arguments: [
            WeightScales.perChannel, .perTensor,
        ])
    func weights(_ scales: WeightScales) throws {
        let model = try TinyModel.model(), quantized = try quantized { $0.weightScales = scales }
        for node in model.network.graphs(withPreview: true).flatMap(\.nodes) where node.isConvolution {
            guard let layer = quantized.layers[node.name], case .int8(let values, let steps) = layer.weights else {
                continue
            }
            let weight = FloatTensor(shape: layer.shape, values: model.layers[node.name]!.realWeights(of: node))
            #expect(values.allSatisfy { $0 >= -127 })
            #expect(values.contains { abs(Int($0)) == 127 })
            let inner = layer.shape[(node.outputDimension + 1)...].reduce(1, *),
                channels = layer.shape[node.outputDimension]
            for (i, real) in layer.realWeights(of: node).enumerated() {
                let step = steps[i / inner % channels]
                #expect(
                    abs(real - weight.values[i]) <= step * 0.5001,
                    "\(node.name) \(scales) \(i) \(weight.values[i]) \(values[i]) \(step)")
            }
            if scales == .perTensor { #expect(Set(steps).count == 1) }
        }
    }

    @Test("the number of threads changes nothing; the seed changes the ranges")
    func reproducible() throws {
        let one = try quantized { $0.threads = 1 }, three = try quantized { $0.threads = 3 }
        #expect(one.layers == three.layers && one.activations == three.activations)
        #expect(try quantized { $0.seed = 1 }.activations != one.activations)
    }

    @Test("activations have one scale per timestep, or one for all")
    func scales() throws {
        let several = try quantized(), single = try quantized { $0.usesSingleScale = true }
        #expect(several.calibratedTimesteps == [0, 10, 19])
        #expect(several.activations[Self.layer]!.quantizations.count == 3)
        #expect(single.activations[Self.layer]!.quantizations.count == 1)
        let all = several.activations[Self.layer]!.quantizations.map(\.range),
            one = single.activations[Self.layer]!.quantizations[0].range
        #expect(one.upperBound <= all.map(\.upperBound).max()! * 1.01)
    }

    /// Compares the layer's output for the calibration's inputs. Without the correction, rounded weights shift its
    /// mean.
    @Test("bias correction keeps every channel's mean")
    func means() throws {
        let model = try TinyModel.model(), node = model.network.noisePredictor.nodes.first { $0.name == Self.layer }!
        let input = model.network.noisePredictor.node(of: node.inputs[0]).name
        let images = TinyQuantizer.images()
        var settings = TinyQuantizer.settings()
        let statistics = try Statistics(of: model, on: images, settings: settings)
        let recipe = Recipe(for: model.network, hasPreview: model.hasPreview)
        let float = model.layers[Self.layer]!, bias = float.bias
        let means = try #require(statistics.means(of: input))
        /// Returns the layer's output before its activation, for constant inputs at their means.
        func mean(_ layer: Layer) -> [Double] {
            let real = layer.realWeights(of: node), perOutput = real.count / bias.count, area = perOutput / means.count
            return bias.indices.map { o in
                (0..<perOutput).reduce(Double(layer.bias[o])) {
                    $0 + Double(real[o * perOutput + $1]) * means[$1 / area]
                }
            }
        }
        let expected = mean(float)
        var off: [Bool: Double] = [:]
        for corrects in [false, true] {
            settings.correctsBiases = corrects
            let layer = Quantizer(model, settings: settings).quantize(recipe, statistics).layers[Self.layer]!
            off[corrects] = zip(mean(layer), expected).map { abs($0 - $1) }.max()!
        }
        #expect(off[true]! < 1e-6, "\(off)")
        #expect(off[false]! > 1e-4, "\(off)")
    }

    @Test("the most harmful layer comes first; keeping layers in float lowers the loss")
    func ranking() throws {
        // A layer with one channel of huge weights: with one scale per tensor all other weights become 0.
        var tensors = TinyModel.tensors()
        var weight = tensors["\(Self.layer).weight"]!
        for i in 0..<weight.values.count / weight.shape[0] { weight.values[i] *= 2000 }
        tensors["\(Self.layer).weight"] = weight
        let model = try Model(tensors: tensors)
        var settings = TinyQuantizer.settings()
        settings.weightScales = .perTensor
        let set = TinyQuantizer.images(), quantizer = Quantizer(model, settings: settings)
        let statistics = try Statistics(of: model, on: set, settings: settings)
        func recipe(_ kept: [String: String]) -> Recipe {
            Recipe(for: model.network, hasPreview: model.hasPreview, keepFloat: kept)
        }
        let costs = quantizer.rank(recipe([:]), statistics, on: set)
        #expect(costs.map(\.ratio.decibels) == costs.map(\.ratio.decibels).sorted())
        let int8 = model.network.graphs(withPreview: false).flatMap(\.nodes).filter {
            $0.isConvolution && recipe([:]).decisions[$0.name]?.weights == .int8
        }
        #expect(costs[0].name == Self.layer)
        #expect(Set(costs.map(\.name)) == Set(int8.map(\.name)))
        // An artificial loss that counts the int8 layers among the three worst. The search must keep exactly those.
        let worst = costs.prefix(3).map(\.name)
        let found = quantizer.keepFloat(untilLossIsAtMost: 0.5, costs, statistics, recipe: recipe) { quantized in
            worst.reduce(0.0) { $0 + (quantized.layers[$1]!.isInt8 ? 1 : 0) }
        }
        #expect(found.kept == 3 && found.loss == 0)
        for name in worst { #expect(found.recipe.decisions[name]!.weights == .float) }
        #expect(found.recipe.decisions[costs[3].name]!.weights == .int8)
    }

    @Test("the comparison detects a damaged layer")
    func damage() throws {
        let model = try TinyModel.model(), quantized = try quantized(), set = TinyQuantizer.images()
        let comparison = Comparison(model, on: set, settings: TinyQuantizer.settings())
        func measure(_ quantized: Model) -> Quality {
            comparison.measure(quantized)
        }
        let layer = quantized.layers[Self.layer]!
        guard case .int8(let values, let scales) = layer.weights else { Issue.record("not int8"); return }
        var layers = quantized.layers
        layers[Self.layer] = Layer(
            shape: layer.shape, weights: .int8(values, scales: scales.map { $0 * 2 }), bias: layer.bias)
        let damaged = Model(
            network: quantized.network, schedule: quantized.schedule, layers: layers,
            activations: quantized.activations,
            calibratedTimesteps: quantized.calibratedTimesteps, parameters: quantized.parameters,
            hasPreview: quantized.hasPreview)
        let good = measure(quantized), bad = measure(damaged)
        #expect(bad.meanPSNR < good.meanPSNR)
        #expect(good.noise.count == 3 && good.images.count == set.images.count)
        let worstWeights = bad.layers.compactMap { layer in layer.weights.map { (layer.name, $0.decibels) } }.min {
            $0.1 < $1.1
        }
        #expect(worstWeights?.0 == Self.layer)
        func output(_ quality: Quality) -> Double { quality.layers.first { $0.name == Self.layer }!.output.decibels }
        #expect(output(bad) < output(good) - 10)
    }
}
