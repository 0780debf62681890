import SRDTensor
import SRDModel

/// Reads the keys of FORMAT.md, checks each before it is used, and rejects files with other keys.
struct QuantizedModelReader {
    private var tensors: CheckedTensors
    private var file: Safetensors { tensors.file }

    init(_ file: Safetensors) throws(QuantizedModelError) {
        tensors = CheckedTensors(file)
        let format = file.metadata["format"]
        guard format == QuantizedModelFile.format else { throw .notQuantized(format: format) }
        let version = try tensors.metadata("format_version")
        guard version == QuantizedModelFile.version else { throw .unknownVersion(version) }
    }

    func provenance() throws(QuantizedModelError) -> QuantizedModelFile.Provenance {
        func hash(_ key: String) throws(QuantizedModelError) -> String {
            let text = try tensors.metadata(key)
            guard text.utf8.count == 64, text.allSatisfy(\.isHexDigit) else {
                throw .badMetadata(key: key, found: text, expected: "64 hexadecimal digits")
            }
            return text
        }
        return QuantizedModelFile.Provenance(
            sourceSHA256: try hash("source_sha256"), calibration: try tensors.metadata("calibration"),
            calibrationSHA256: try hash("calibration_sha256"), settings: try tensors.metadata("settings"),
            tool: try tensors.metadata("tool"))
    }

    mutating func model() throws(QuantizedModelError) -> Model {
        let network = try network()
        let hasPreview = network.preview.parameters.contains { file[$0.name] != nil }
        let graphs = network.graphs(withPreview: hasPreview)

        let schedule = try schedule(timesteps: network.configuration.timesteps)
        let timesteps = try timesteps(below: network.configuration.timesteps)
        var layers: [String: Layer] = [:], activations: [String: QuantizedActivation] = [:]
        for graph in graphs {
            let shapes = Dictionary(uniqueKeysWithValues: graph.parameters.map { ($0.name, $0.shape) })
            for node in graph.convolutions {
                layers[node.name] = try layer(node, shape: shapes["\(node.name).weight"]!)
            }
            try readActivations(
                of: graph, timesteps: graph.role.dependsOnTimestep ? timesteps.count : 1, into: &activations)
        }
        var parameters: [String: FloatTensor] = [:]
        for parameter in network.floatParameters(withPreview: hasPreview) {
            parameters[parameter.name] = FloatTensor(
                shape: parameter.shape, values: try tensors.finiteFloats(parameter.name, parameter.shape)
            )
        }
        let schedules = try schedules(below: network.configuration.timesteps)
        try tensors.checkAllRead()
        for graph in graphs {
            for node in graph.convolutions where layers[node.name]!.isInt8 {
                for input in node.inputs where activations[graph.node(of: input).name] == nil {
                    throw .inputNotQuantized(layer: node.name, value: graph.node(of: input).name)
                }
            }
        }
        var model = Model(
            network: network, schedule: schedule, layers: layers, activations: activations,
            calibratedTimesteps: timesteps,
            parameters: parameters, hasPreview: hasPreview
        )
        model.schedules = schedules
        return model
    }

    private func network() throws(QuantizedModelError) -> Network {
        let shapes = Dictionary(uniqueKeysWithValues: file.entries.map { ($0.name, $0.shape) })
        do throws(ModelError) { return Network(try Configuration(shapes: shapes)) } catch { throw .model(error) }
    }

    private mutating func layer(_ node: Node, shape: [Int]) throws(QuantizedModelError) -> Layer {
        let key = "\(node.name).weight", channels = shape[node.outputDimension]
        let bias = try tensors.finiteFloats("\(node.name).bias", [channels])
        guard file[key]?.type == .i8 else {
            return Layer(shape: shape, weights: .float(try tensors.finiteFloats(key, shape)), bias: bias)
        }
        let weights = try tensors.read(key) { file throws(SafetensorsError) in
            try file.quantizedWeights(key, shape: shape)
        }
        if weights.least == -128, let bad = weights.firstIndex(of: -128) {
            throw .badElement(key: key, index: bad, found: "-128", expected: "-127…127")
        }
        return Layer(
            shape: shape, weights: .int8(weights, scales: try tensors.scales("\(node.name).weight_scale", [channels])),
            bias: bias
        )
    }

    private mutating func readActivations(
        of graph: Graph, timesteps: Int, into activations: inout [String: QuantizedActivation]
    ) throws(QuantizedModelError) {
        let key = QuantizedModelKeys.names(graph)
        let names = try tensors.metadata(key).split(separator: " ").map(String.init)
        var known = Set(graph.quantizable.map(\.name))
        for name in names where known.remove(name) == nil {
            throw .badMetadata(key: key, found: name, expected: "layers of the graph, each once")
        }
        let scaleKey = QuantizedModelKeys.scale(graph)
        let columns = file[scaleKey]?.shape.last == 1 ? 1 : timesteps
        let scales = try tensors.scales(scaleKey, [names.count, columns])
        let zeroPoints = try tensors.int8s(QuantizedModelKeys.zeroPoint(graph), [names.count, columns])
        let keepsFloat = try tensors.flags(QuantizedModelKeys.keepsFloat(graph), [names.count])
        for (row, name) in names.enumerated() {
            let quantizations = (row * columns..<(row + 1) * columns).map {
                Quantization(scale: scales[$0], zeroPoint: zeroPoints[$0])
            }
            activations[name] = QuantizedActivation(quantizations: quantizations, keepsFloat: keepsFloat[row])
        }
    }

    private mutating func schedule(timesteps: Int) throws(QuantizedModelError) -> NoiseSchedule {
        var buffers: [String: FloatTensor] = [:]
        for name in NoiseSchedule.bufferNames {
            buffers[name] = FloatTensor(shape: [timesteps], values: try tensors.finiteFloats(name, [timesteps]))
        }
        do throws(ModelError) { return try NoiseSchedule(tensors: buffers) } catch { throw .model(error) }
    }

    private mutating func timesteps(below end: Int) throws(QuantizedModelError) -> [Int] {
        try tensors.ascending(
            QuantizedModelKeys.timesteps, in: 0...end - 1, count: end, expected: "ascending timesteps below \(end)")
    }

    /// The searched schedules. All keys are present or none, except for the fidelities, which older files lack.
    private mutating func schedules(below end: Int) throws(QuantizedModelError) -> [SearchedTimestepSchedule] {
        typealias Keys = QuantizedModelKeys
        let keys = [
            Keys.scheduleSteps, Keys.scheduleTimesteps, Keys.scheduleEta, Keys.schedulePSNR, Keys.scheduleLPIPS,
        ]
        guard keys.contains(where: { file[$0] != nil }) else { return [] }
        let lengths = try tensors.ascending(
            Keys.scheduleSteps, in: 1...end, count: end, expected: "ascending numbers from 1 to \(end)")
        let count = lengths.reduce(0, +)  // at most end²
        let timesteps = try tensors.int32s(Keys.scheduleTimesteps, [count])
        let etas = try tensors.finiteFloats(Keys.scheduleEta, [count])
        let gains = try tensors.finiteFloats(Keys.schedulePSNR, [lengths.count])
        let ratios = try tensors.finiteFloats(Keys.scheduleLPIPS, [lengths.count])
        let fidelities =
            file[Keys.scheduleFidelity] == nil
            ? [Float](repeating: 0, count: lengths.count)
            : try tensors.finiteFloats(Keys.scheduleFidelity, [lengths.count])
        try tensors.check(fidelities, Keys.scheduleFidelity, expected: "0 to 1") { Fidelity($0) != nil }
        try tensors.check(etas, Keys.scheduleEta, expected: "0 to 1") { (0...1).contains($0) }
        try tensors.check(ratios, Keys.scheduleLPIPS, expected: "a share of 0 or more") { $0 >= 0 }
        var found: [SearchedTimestepSchedule] = [], start = 0
        for (i, length) in lengths.enumerated() {
            for j in start..<start + length {
                let most = j == start ? end - 1 : timesteps[j - 1] - 1
                guard timesteps[j] >= 0 && timesteps[j] <= most else {
                    throw .badElement(
                        key: Keys.scheduleTimesteps, index: j, found: "\(timesteps[j])",
                        expected: "timesteps of \(length) steps, descending, below \(end)")
                }
            }
            found.append(
                SearchedTimestepSchedule(
                    transitions: (start..<start + length).map {
                        TimestepTransition(timestep: timesteps[$0], eta: Double(etas[$0]))
                    },
                    psnrGain: gains[i], lpipsRatio: ratios[i], fidelity: Fidelity(fidelities[i])!))
            start += length
        }
        return found
    }
}
