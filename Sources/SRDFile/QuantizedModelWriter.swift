import SRDTensor
import SRDModel

extension QuantizedModelFile {
    /// The file appears whole or not at all.
    public func write(to path: String) throws(FileError) {
        try FileOutput.write(atomically: encoded(), to: path)
    }

    /// The file in pieces; the same model and provenance give the same bytes. Traps when the model contradicts itself.
    public func encoded() -> [[UInt8]] {
        var tensors: [SafetensorsTensor] = []
        var metadata = [
            "format": Self.format, "format_version": Self.version,
            "source_sha256": provenance.sourceSHA256, "calibration": provenance.calibration,
            "calibration_sha256": provenance.calibrationSHA256, "settings": provenance.settings,
            "tool": provenance.tool,
        ]
        for graph in model.network.graphs(withPreview: model.hasPreview) {
            for node in graph.convolutions { tensors += layer(node) }
            let kept = graph.quantizable.compactMap { node in model.activations[node.name].map { (node.name, $0) } }
            metadata[QuantizedModelKeys.names(graph)] = kept.map(\.0).joined(separator: " ")
            tensors += activations(kept.map(\.1), of: graph)
        }
        for (name, values) in model.schedule.buffers {
            tensors.append(SafetensorsTensor(name, FloatTensor(shape: [values.count], values: values.map(Float.init))))
        }
        for (name, tensor) in model.parameters { tensors.append(SafetensorsTensor(name, tensor)) }
        tensors.append(
            SafetensorsTensor(
                QuantizedModelKeys.timesteps, shape: [model.calibratedTimesteps.count],
                model.calibratedTimesteps.map(Int32.init)
            ))
        tensors += schedules()
        return Safetensors.encode(tensors, metadata: metadata)
    }

    private func schedules() -> [SafetensorsTensor] {
        let schedules = model.schedules, transitions = schedules.flatMap(\.transitions)
        guard !schedules.isEmpty else { return [] }
        return [
            SafetensorsTensor(
                QuantizedModelKeys.scheduleSteps, shape: [schedules.count],
                schedules.map { Int32($0.transitions.count) }),
            SafetensorsTensor(
                QuantizedModelKeys.scheduleTimesteps, shape: [transitions.count], transitions.map { Int32($0.timestep) }
            ),
            SafetensorsTensor(
                QuantizedModelKeys.scheduleEta,
                FloatTensor(shape: [transitions.count], values: transitions.map { Float($0.eta) })),
            SafetensorsTensor(
                QuantizedModelKeys.scheduleFidelity,
                FloatTensor(shape: [schedules.count], values: schedules.map(\.fidelity.value))),
            SafetensorsTensor(
                QuantizedModelKeys.schedulePSNR,
                FloatTensor(shape: [schedules.count], values: schedules.map(\.psnrGain))),
            SafetensorsTensor(
                QuantizedModelKeys.scheduleLPIPS,
                FloatTensor(shape: [schedules.count], values: schedules.map(\.lpipsRatio))),
        ]
    }

    private func layer(_ node: Node) -> [SafetensorsTensor] {
        let layer = model.layers[node.name]!
        func floats(_ key: String, _ shape: [Int], _ values: [Float]) -> SafetensorsTensor {
            SafetensorsTensor("\(node.name).\(key)", FloatTensor(shape: shape, values: values))
        }
        let bias = floats("bias", [layer.bias.count], layer.bias)
        switch layer.weights {
        case .float(let values): return [floats("weight", layer.shape, values), bias]
        case .int8(let quantized, let scales):
            return [
                SafetensorsTensor("\(node.name).weight", shape: layer.shape, Array(quantized)),
                floats("weight_scale", [scales.count], scales), bias,
            ]
        }
    }

    /// A single quantization among many stands for every timestep.
    private func activations(_ activations: [QuantizedActivation], of graph: Graph) -> [SafetensorsTensor] {
        let columns = activations.map(\.quantizations.count).max() ?? 1
        let rows = activations.flatMap { activation in
            activation.quantizations.count == columns
                ? activation.quantizations
                : [Quantization](repeating: activation.quantizations[0], count: columns)
        }
        let shape = [activations.count, columns]
        return [
            SafetensorsTensor(QuantizedModelKeys.scale(graph), FloatTensor(shape: shape, values: rows.map(\.scale))),
            SafetensorsTensor(QuantizedModelKeys.zeroPoint(graph), shape: shape, rows.map(\.zeroPoint)),
            SafetensorsTensor(
                QuantizedModelKeys.keepsFloat(graph), .u8, shape: [activations.count],
                bytes: activations.map { $0.keepsFloat ? 1 : 0 }
            ),
        ]
    }
}
