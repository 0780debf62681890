import SRDRuntime
import SRDImage
import SRDMetrics
import SRDTensor
import SRDModel

/// The cost of quantizing one layer alone: the signal-to-noise ratio of the predicted noise.
public struct LayerCost: Sendable {
    public let name: String
    public let ratio: SignalToNoise

    /// Why the layer is kept in float, for the recipe.
    var reason: String {
        let snr = ratio.decibels
        return snr.isFinite
            ? "among the most harmful: \(Int(snr.rounded())) dB of predicted noise if it alone is int8"
            : "required by the limit of the loss"
    }
}

extension Quantizer {
    /// Returns the cost of every int8 layer of `recipe`, the most harmful first.
    ///
    /// One layer at a time is quantized, with its inputs, in a model that is float otherwise. The predicted noise is
    /// compared at three timesteps of one image.
    public func rank(
        _ recipe: Recipe, _ statistics: Statistics, on set: CalibrationSet,
        progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) -> [LayerCost] {
        guard let image = set.images.first else { return [] }
        let pipeline = Pipeline(Executor(model, threads: settings.threads))
        let schedule = TimestepSchedule.ddim(steps: min(settings.steps, model.schedule.timesteps), eta: 0)
        let moments = pipeline.moments(of: image, settings: SamplingSettings(schedule: schedule, seed: settings.seed))
        let prepared = pipeline.prepare(image)
        let chosen = Set([0, moments.count / 2, moments.count - 1]).sorted().map { moments[$0] }
        let expected = chosen.map {
            pipeline.executor.predictNoise(in: $0.x, at: $0.timestep, given: prepared.condition)
        }

        let graphs = [model.network.encoder, model.network.conditioner, model.network.noisePredictor]
        let nodes = graphs.flatMap(\.nodes).filter { $0.isConvolution && recipe.decisions[$0.name]?.weights == .int8 }
        var costs: [LayerCost] = []
        for (i, node) in nodes.enumerated() {
            let one = quantize(recipe.keepingOnly(node.name, of: model.network), statistics)
            let executor = Executor(one, threads: settings.threads)
            let condition = Pipeline(executor).prepare(image).condition
            var ratio = SignalToNoise()
            for (moment, expected) in zip(chosen, expected) {
                ratio.add(
                    executor.predictNoise(in: moment.x, at: moment.timestep, given: condition).values,
                    expected: expected.values)
            }
            costs.append(LayerCost(name: node.name, ratio: ratio))
            progress(i + 1, nodes.count)
        }
        return costs.sorted { ($0.ratio.decibels, $0.name) < ($1.ratio.decibels, $1.name) }
    }

    /// Returns the recipe that keeps the fewest of the worst layers in float for which `loss` is at most `most`.
    ///
    /// - Parameters:
    ///   - costs: worst first.
    ///   - recipe: returns a recipe with these layers in float, for the given reasons.
    ///   - loss: returns a model's loss in dB.
    /// - Returns: the recipe, the number of layers it keeps in float, and its loss. All layers are kept if fewer do not
    ///   suffice.
    public func keepFloat(
        untilLossIsAtMost most: Double, _ costs: [LayerCost], _ statistics: Statistics,
        recipe: (_ keepFloat: [String: String]) -> Recipe, loss: (Model) -> Double
    ) -> (recipe: Recipe, kept: Int, loss: Double) {
        func attempt(_ count: Int) -> (recipe: Recipe, kept: Int, loss: Double) {
            let kept = costs.prefix(count).map { ($0.name, $0.reason) }
            let recipe = recipe(Dictionary(uniqueKeysWithValues: kept))
            return (recipe, count, loss(quantize(recipe, statistics)))
        }
        var best = attempt(0)
        guard best.loss > most else { return best }
        var tooFew = 0, enough = costs.count
        best = attempt(enough)
        while enough - tooFew > 1 {
            let middle = (tooFew + enough) / 2, tried = attempt(middle)
            if tried.loss <= most { (best, enough) = (tried, middle) } else { tooFew = middle }
        }
        return best
    }
}

extension Recipe {
    /// Returns the recipe with a single int8 layer. Only that layer reads quantized values.
    func keepingOnly(_ name: String, of network: Network) -> Recipe {
        var recipe = self
        let graphs = network.graphs(withPreview: true)
        let inputs = Set(
            graphs.flatMap { graph in
                graph.nodes.filter { $0.name == name }.flatMap(\.inputs).map { graph.node(of: $0).name }
            })
        for key in recipe.decisions.keys {
            if key != name { recipe.decisions[key]!.weights = .float }
            recipe.decisions[key]!.output = inputs.contains(key) ? .both : .float
        }
        return recipe
    }
}

extension Pipeline {
    /// Returns x_t and the timestep of every step of one sampler run, noisiest first.
    func moments(of image: Image, settings: SamplingSettings) -> [(x: FloatTensor, timestep: Int)] {
        let prepared = prepare(image)
        var moments: [(x: FloatTensor, timestep: Int)] = []
        _ = residual(
            prepared, settings: settings, progress: { _, _ in },
            onStep: { x, timestep in moments.append((x, timestep)) })
        return moments
    }
}
