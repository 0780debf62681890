import CSRDKernels
import SRDModel

/// Decisions about memory and bands that results do not depend on, and the memory that follows from them.
package struct PlanSettings {
    private let model: Model
    /// A band height for all maps instead of the default.
    private let fixedBandRows: Int?
    /// Bytes that a stored condition may take; above that it is recomputed in every step, which is 4 % of a step's
    /// work.
    private let conditionBudget: Int
    let conditionedPredictor: Graph

    package init(_ model: Model, bandRows: Int? = nil, conditionBudget: Int = 12 << 20) {
        self.model = model
        fixedBandRows = bandRows
        self.conditionBudget = conditionBudget
        conditionedPredictor = Graph(
            joining: model.network.conditioner, to: model.network.noisePredictor, as: .conditionedNoisePredictor)
    }

    /// The band height, in rows, for feature maps at this downsampling factor.
    ///
    /// Bands share a layer's weights, and threads wait for each other once per band, so they hold as many pixels as
    /// cache allows. At most 64 rows, because finer maps keep their rows that long; a multiple of the rows that
    /// Winograd's products compute together.
    func bandRows(width: Int, reduction: Int) -> Int {
        if let fixedBandRows { return fixedBandRows }
        let pixels = width <= 256 ? 4096 : 512, together = Int(SRD_WINOGRAD_ROWS)
        return max(together, min(64, pixels * reduction / width / together * together))
    }

    func storesCondition(lrWidth: Int, lrHeight: Int) -> Bool {
        mapBytes(model.network.conditioner, lrWidth, lrHeight) <= conditionBudget
    }

    /// Bytes that an executor holds for an image of this (padded) size: weights, maps between graphs, and the live rows
    /// of the graph that runs. Approximate: a mapped file's weights count once, although their pages are released after
    /// packing.
    ///
    /// - Parameters:
    ///   - size: the low-resolution size for which all but the encoder runs.
    ///   - encoderSize: what the encoder reads; larger for a region of an image.
    ///   - preview: for the encoder's image only.
    ///   - fidelity: of a sample; above 0 the encoder's image is made after it.
    package func memoryEstimate(
        _ size: (width: Int, height: Int), encoder encoderSize: (width: Int, height: Int), preview: Bool,
        fidelity: Fidelity
    ) -> Int {
        let network = model.network, scale = network.configuration.scale, (lrWidth, lrHeight) = size,
            width = lrWidth * scale
        func rowBytes(_ graph: Graph) -> Int { liveRowBytes(graph, width: lrWidth * scale, height: lrHeight * scale) }
        let weights =
            model.layers.values.reduce(0) { $0 + ($1.isInt8 ? 1 : 8) * $1.shape.reduce(1, *) }
            + model.parameters.values.reduce(0) { $0 + 4 * $1.values.count }
        let features = mapBytes(network.encoder, lrWidth, lrHeight),
            encoder =
                features
                + liveRowBytes(network.encoder, width: encoderSize.width * scale, height: encoderSize.height * scale)
        if preview {
            return weights
                + max(encoder, features + rowBytes(network.preview) + mapBytes(network.preview, lrWidth, lrHeight))
        }
        var trunk = 0, correction = 0
        if fidelity.needsEncoderImage {
            trunk = mapBytes(network.preview.inputs[0], in: network.preview, lrWidth, lrHeight)
            correction = FidelityCorrection.bytes(
                fidelity, bandRows: bandRows(width: width, reduction: 1), width: width, height: lrHeight * scale)
        }
        guard storesCondition(lrWidth: lrWidth, lrHeight: lrHeight) else {
            return weights + correction + max(encoder, features + rowBytes(conditionedPredictor))
        }
        let condition = mapBytes(network.conditioner, lrWidth, lrHeight)
        return weights + condition + trunk + correction
            + max(encoder, features + rowBytes(network.conditioner), rowBytes(network.noisePredictor))
    }

    /// Bytes of a graph's live rows, for an upscaled image of this size.
    private func liveRowBytes(_ graph: Graph, width: Int, height: Int) -> Int {
        let plan = StreamPlan(graph, height: height, bandRows: { bandRows(width: width, reduction: $0) })
        return BufferPlan(graph, of: model, width: width, plan: plan).bytes
    }

    /// Bytes of a graph's outputs as stored maps.
    private func mapBytes(_ graph: Graph, _ lrWidth: Int, _ lrHeight: Int) -> Int {
        graph.outputs.reduce(0) { $0 + mapBytes($1, in: graph, lrWidth, lrHeight) }
    }

    private func mapBytes(_ value: Value, in graph: Graph, _ lrWidth: Int, _ lrHeight: Int) -> Int {
        let scale = model.configuration.scale, area = value.shape.reduction * value.shape.reduction
        let isQuantized = model.activations[graph.node(of: value).name] != nil
        return lrWidth * lrHeight * scale * scale / area
            * (isQuantized ? paddedChannels(value.shape.channels) : 4 * value.shape.channels)
    }
}
