import SRDTensor
import SRDModel

/// Goes through the keys of FORMAT.md, checks each before it is used, and at the end that there are no others.
struct QuantizedModelReader {
    /// Beyond these a scale's inverse, or 255 times it, would leave Float's range.
    private static let scales: ClosedRange<Float> = 0x1p-103...0x1p103

    private let file: Safetensors
    private var used: Set<String> = []

    init(_ file: Safetensors) throws(QuantizedModelError) {
        self.file = file
        let format = file.metadata["format"]
        guard format == QuantizedModelFile.format else { throw .notQuantized(format: format) }
        let version = try metadata("format_version")
        guard version == QuantizedModelFile.version else { throw .unknownVersion(version) }
    }

    func provenance() throws(QuantizedModelError) -> QuantizedModelFile.Provenance {
        func hash(_ key: String) throws(QuantizedModelError) -> String {
            let text = try metadata(key)
            guard text.utf8.count == 64, text.allSatisfy(\.isHexDigit) else {
                throw .badMetadata(key: key, found: text, expected: "64 hexadecimal digits")
            }
            return text
        }
        return QuantizedModelFile.Provenance(
            sourceSHA256: try hash("source_sha256"), calibration: try metadata("calibration"),
            calibrationSHA256: try hash("calibration_sha256"), settings: try metadata("settings"), tool: try metadata("tool")
        )
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
            for node in graph.convolutions { layers[node.name] = try layer(node, shape: shapes["\(node.name).weight"]!) }
            try readActivations(of: graph, timesteps: graph.role.dependsOnTimestep ? timesteps.count : 1, into: &activations)
        }
        var parameters: [String: FloatTensor] = [:]
        for parameter in network.floatParameters(withPreview: hasPreview) {
            parameters[parameter.name] = FloatTensor(
                shape: parameter.shape, values: try finiteFloats(parameter.name, parameter.shape)
            )
        }
        let schedules = try schedules(below: network.configuration.timesteps)
        if let unknown = file.entries.first(where: { !used.contains($0.name) }) { throw .unknownKey(unknown.name) }
        for graph in graphs {
            for node in graph.convolutions where layers[node.name]!.isInt8 {
                for input in node.inputs where activations[graph.node(of: input).name] == nil {
                    throw .inputNotInCodes(layer: node.name, value: graph.node(of: input).name)
                }
            }
        }
        var model = Model(
            network: network, schedule: schedule, layers: layers, activations: activations, calibratedTimesteps: timesteps,
            parameters: parameters, hasPreview: hasPreview
        )
        model.schedules = schedules
        return model
    }

    // MARK: Parts

    private func network() throws(QuantizedModelError) -> Network {
        let shapes = Dictionary(uniqueKeysWithValues: file.entries.map { ($0.name, $0.shape) })
        do throws(ModelError) { return Network(try Configuration(shapes: shapes)) } catch { throw .model(error) }
    }

    private mutating func layer(_ node: Node, shape: [Int]) throws(QuantizedModelError) -> Layer {
        let key = "\(node.name).weight", channels = shape[node.outputDimension]
        let bias = try finiteFloats("\(node.name).bias", [channels])
        guard file[key]?.type == .i8 else {
            return Layer(shape: shape, weights: .float(try finiteFloats(key, shape)), bias: bias)
        }
        let codes = try read(key) { file throws(SafetensorsError) in try file.codes(key, shape: shape) }
        if let bad = codes.firstIndex(of: -128) { throw .badElement(key: key, index: bad, found: "-128", expected: "-127…127") }
        return Layer(
            shape: shape, weights: .int8(codes, scales: try scales("\(node.name).weight_scale", [channels])), bias: bias
        )
    }

    private mutating func readActivations(
        of graph: Graph, timesteps: Int, into activations: inout [String: QuantizedActivation]
    ) throws(QuantizedModelError) {
        let key = QuantizedModelKeys.names(graph)
        let names = try metadata(key).split(separator: " ").map(String.init)
        var known = Set(graph.quantizable.map(\.name))
        for name in names where known.remove(name) == nil {
            throw .badMetadata(key: key, found: name, expected: "layers of the graph, each once")
        }
        let scaleKey = QuantizedModelKeys.scale(graph)
        let columns = file[scaleKey]?.shape.last == 1 ? 1 : timesteps
        let scales = try scales(scaleKey, [names.count, columns])
        let zeroPoints = try int8s(QuantizedModelKeys.zeroPoint(graph), [names.count, columns])
        let keepsFloatKey = QuantizedModelKeys.keepsFloat(graph)
        let keepsFloat = try read(keepsFloatKey) { file throws(SafetensorsError) in try file.uint8s(keepsFloatKey, shape: [names.count]) }
        if let bad = keepsFloat.firstIndex(where: { $0 > 1 }) {
            throw .badElement(key: keepsFloatKey, index: bad, found: "\(keepsFloat[bad])", expected: "0 or 1")
        }
        for (row, name) in names.enumerated() {
            let quantizations = (row * columns..<(row + 1) * columns).map { Quantization(scale: scales[$0], zeroPoint: zeroPoints[$0]) }
            activations[name] = QuantizedActivation(quantizations: quantizations, keepsFloat: keepsFloat[row] == 1)
        }
    }

    private mutating func schedule(timesteps: Int) throws(QuantizedModelError) -> NoiseSchedule {
        var buffers: [String: FloatTensor] = [:]
        for name in NoiseSchedule.bufferNames {
            buffers[name] = FloatTensor(shape: [timesteps], values: try finiteFloats(name, [timesteps]))
        }
        do throws(ModelError) { return try NoiseSchedule(tensors: buffers) } catch { throw .model(error) }
    }

    private mutating func timesteps(below end: Int) throws(QuantizedModelError) -> [Int] {
        let key = QuantizedModelKeys.timesteps
        let found = try read(key) { file throws(SafetensorsError) in try file.int32s(key) }.map { Int($0) }
        guard file[key]!.shape == [found.count], (1...end).contains(found.count) else {
            throw .safetensors(.wrongShape(key: key, found: file[key]!.shape, expected: [min(max(found.count, 1), end)]))
        }
        for (i, timestep) in found.enumerated() {
            let least = i == 0 ? 0 : found[i - 1] + 1
            guard timestep >= least && timestep < end else {
                throw .badElement(key: key, index: i, found: "\(timestep)", expected: "ascending timesteps below \(end)")
            }
        }
        return found
    }

    /// All five keys or none.
    private mutating func schedules(below end: Int) throws(QuantizedModelError) -> [SearchedTimestepSchedule] {
        typealias Keys = QuantizedModelKeys
        let keys = [Keys.scheduleSteps, Keys.scheduleTimesteps, Keys.scheduleEta, Keys.schedulePSNR, Keys.scheduleLPIPS]
        guard keys.contains(where: { file[$0] != nil }) else { return [] }
        let lengths = try read(Keys.scheduleSteps) { file throws(SafetensorsError) in
            try file.int32s(Keys.scheduleSteps)
        }.map { Int($0) }
        guard file[Keys.scheduleSteps]!.shape == [lengths.count], (1...end).contains(lengths.count) else {
            throw .safetensors(.wrongShape(
                key: Keys.scheduleSteps, found: file[Keys.scheduleSteps]!.shape, expected: [min(max(lengths.count, 1), end)]))
        }
        for (i, length) in lengths.enumerated() {
            let least = i == 0 ? 1 : lengths[i - 1] + 1
            guard length >= least && length <= end else {
                throw .badElement(
                    key: Keys.scheduleSteps, index: i, found: "\(length)", expected: "ascending numbers from 1 to \(end)")
            }
        }
        let count = lengths.reduce(0, +)                  // at most end²
        let timesteps = try read(Keys.scheduleTimesteps) { file throws(SafetensorsError) in
            try file.int32s(Keys.scheduleTimesteps, shape: [count])
        }
        let etas = try finiteFloats(Keys.scheduleEta, [count]), gains = try finiteFloats(Keys.schedulePSNR, [lengths.count])
        let ratios = try finiteFloats(Keys.scheduleLPIPS, [lengths.count])
        // Files from before there was a fidelity are samples.
        let fidelities = file[Keys.scheduleFidelity] == nil
            ? [Float](repeating: 0, count: lengths.count) : try finiteFloats(Keys.scheduleFidelity, [lengths.count])
        if let bad = fidelities.firstIndex(where: { Fidelity($0) == nil }) {
            throw .badElement(key: Keys.scheduleFidelity, index: bad, found: "\(fidelities[bad])", expected: "0 to 1")
        }
        if let bad = etas.firstIndex(where: { !(0...1).contains($0) }) {
            throw .badElement(key: Keys.scheduleEta, index: bad, found: "\(etas[bad])", expected: "0 to 1")
        }
        if let bad = ratios.firstIndex(where: { $0 < 0 }) {
            throw .badElement(key: Keys.scheduleLPIPS, index: bad, found: "\(ratios[bad])", expected: "a share of 0 or more")
        }
        var found: [SearchedTimestepSchedule] = [], start = 0
        for (i, length) in lengths.enumerated() {
            for j in start..<start + length {
                let most = j == start ? end - 1 : Int(timesteps[j - 1]) - 1
                guard timesteps[j] >= 0 && Int(timesteps[j]) <= most else {
                    throw .badElement(
                        key: Keys.scheduleTimesteps, index: j, found: "\(timesteps[j])",
                        expected: "timesteps of \(length) steps, descending, below \(end)")
                }
            }
            found.append(SearchedTimestepSchedule(
                transitions: (start..<start + length).map { TimestepTransition(timestep: Int(timesteps[$0]), eta: Double(etas[$0])) },
                psnrGain: gains[i], lpipsRatio: ratios[i], fidelity: Fidelity(fidelities[i])!))
            start += length
        }
        return found
    }

    // MARK: Elements

    private func metadata(_ key: String) throws(QuantizedModelError) -> String {
        guard let text = file.metadata[key] else { throw .missingMetadata(key: key) }
        return text
    }

    private mutating func read<T>(
        _ key: String, _ body: (Safetensors) throws(SafetensorsError) -> T
    ) throws(QuantizedModelError) -> T {
        used.insert(key)
        do throws(SafetensorsError) { return try body(file) } catch { throw .safetensors(error) }
    }

    private mutating func int8s(_ key: String, _ shape: [Int]) throws(QuantizedModelError) -> [Int8] {
        try read(key) { file throws(SafetensorsError) in try file.int8s(key, shape: shape) }
    }

    private mutating func floats(_ key: String, _ shape: [Int]) throws(QuantizedModelError) -> [Float] {
        if let found = file[key]?.type, found != .f32 {
            throw .safetensors(.wrongType(key: key, found: found, expected: [.f32]))
        }
        return try read(key) { file throws(SafetensorsError) in try file.floats(key, shape: shape) }
    }

    private mutating func finiteFloats(_ key: String, _ shape: [Int]) throws(QuantizedModelError) -> [Float] {
        let values = try floats(key, shape)
        if let bad = values.firstIndex(where: { !$0.isFinite }) {
            throw .badElement(key: key, index: bad, found: "\(values[bad])", expected: "a finite number")
        }
        return values
    }

    /// NaN, zero, negative and infinite ones are outside the range.
    private mutating func scales(_ key: String, _ shape: [Int]) throws(QuantizedModelError) -> [Float] {
        let values = try floats(key, shape)
        if let bad = values.firstIndex(where: { !Self.scales.contains($0) }) {
            throw .badElement(key: key, index: bad, found: "\(values[bad])", expected: "a scale from 2^-103 to 2^103")
        }
        return values
    }
}
