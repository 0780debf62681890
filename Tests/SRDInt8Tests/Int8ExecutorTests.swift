import Foundation
import SRDFloat
import SRDInt8
import SRDQuantizer
import SRDTensor
import SRDModel
import TestSupport
import Testing

@Suite("The int8 executor")
struct Int8ExecutorTests {
    static let configurations = [
        TinyModel.configuration,
        Configuration(
            hiddenSize: 16, multipliers: [1, 2, 2, 4], encoderBlocks: 5, encoderFeatures: 8, scale: 4, timesteps: 20),
        Configuration(
            hiddenSize: 8, multipliers: [1, 2, 2], encoderBlocks: 2, encoderFeatures: 4, scale: 8, hasAttention: true,
            hasEnlargedInput: true, timesteps: 20),
        Configuration(hiddenSize: 32, multipliers: [1, 2], encoderBlocks: 2, encoderFeatures: 8, scale: 4, timesteps: 20),
        Configuration(hiddenSize: 8, multipliers: [1, 3], encoderBlocks: 3, encoderFeatures: 6, scale: 2, timesteps: 20),
    ]
    static let outputs: [Recipe.Output] = [.codes, .both]

    struct Setting {
        let model: Model
        let low, x: FloatTensor
        let enlarged: FloatTensor?

        init(_ configuration: Configuration, height: Int = 9, width: Int = 16) throws {
            model = try TinyModel.model(configuration)
            var random = SeededRandom(seed: SeededRandom.seed)
            func tensor(_ height: Int, _ width: Int) -> FloatTensor {
                FloatTensor(
                    shape: [height, width, 3],
                    values: (0..<height * width * 3).map { _ in .random(in: -1...1, using: &random) })
            }
            let size = configuration.paddedSize(width: width, height: height), scale = configuration.scale
            low = tensor(size.height, size.width)
            x = tensor(size.height * scale, size.width * scale)
            enlarged = configuration.hasEnlargedInput ? tensor(size.height * scale, size.width * scale) : nil
        }

        func noise<E: Executor>(_ executor: E, at timestep: Int) -> FloatTensor {
            executor.predictNoise(in: x, at: timestep, given: executor.encode(low, enlarged: enlarged))
        }

        /// Every value that may be in codes alone, or also in float.
        func quantized(_ output: Recipe.Output) throws -> QuantizedModel {
            try TinyQuantizer.quantize(model) { recipe in
                for name in recipe.decisions.keys where recipe.decisions[name]!.output != .float {
                    recipe.decisions[name]!.output = output
                }
            }
        }
    }

    @Test("with every layer in float it is the float executor, bit for bit", arguments: configurations)
    func allFloat(_ configuration: Configuration) throws {
        let setting = try Setting(configuration), float = FloatExecutor(setting.model, threads: 1)
        let expected = setting.noise(float, at: 7)
        let model = try TinyQuantizer.quantize(setting.model) { recipe in
            for name in recipe.decisions.keys {
                recipe.decisions[name]!.weights = .float
                recipe.decisions[name]!.output = .float
            }
        }
        for (bandRows, threads, budget) in [(16, 1, 1 << 30), (1, 3, 0), (5, 2, 0)] {
            let executor = Int8Executor(model, threads: threads, bandRows: bandRows, conditionBudget: budget)
            #expect(setting.noise(executor, at: 7) == expected, "\(bandRows) rows a band, \(threads) threads")
            #expect(executor.preview(setting.low) == float.preview(setting.low))
        }
    }

    @Test("the same bytes for every band height, thread count, place of the condition and instruction set",
          arguments: configurations, outputs)
    func sameBytes(_ configuration: Configuration, _ output: Recipe.Output) throws {
        let setting = try Setting(configuration), model = try setting.quantized(output)
        var results: [FloatTensor] = []
        for instructionSet in Int8Executor.instructionSets {
            for (bandRows, threads, budget) in [(16, 1, 1 << 30), (1, 3, 0), (4, 5, 0), (17, 2, 0), (1000, 1, 0)] {
                let executor = Int8Executor(
                    model, threads: threads, instructionSet: instructionSet, bandRows: bandRows,
                    conditionBudget: budget)
                results.append(setting.noise(executor, at: 13))
            }
        }
        #expect(results.allSatisfy { $0 == results[0] })
    }

    /// 128 channels of 255 by 127, nine times, are 1.1 times what Winograd's products may hold.
    @Test("sums too large for Winograd's products come out whole", arguments: Int8Executor.instructionSets.dropFirst())
    func largeSums(_ instructionSet: String) throws {
        let setting = try Setting(Configuration(
            hiddenSize: 64, multipliers: [1, 2], encoderBlocks: 2, encoderFeatures: 8, scale: 4, timesteps: 20))
        let model = try setting.quantized(.codes)
        let largest = QuantizedModel(
            network: model.network, schedule: model.schedule, timesteps: model.timesteps,
            layers: model.layers.mapValues { layer in
                guard case .int8(let codes, let scales) = layer.weights else { return layer }
                let weights = WeightCodes([Int8](repeating: 127, count: codes.count))
                return QuantizedLayer(shape: layer.shape, weights: .int8(codes: weights, scales: scales), bias: layer.bias)
            }, activations: model.activations, floatWeights: model.floatWeights, hasPreview: model.hasPreview)
        // Every node's values: what follows saturates, and would hide a wrong sum.
        let results = ["scalar", instructionSet].map { name in
            let executor = Int8Executor(largest, threads: 2, instructionSet: name, bandRows: 1000)
            var values: [String: [Float]] = [:]
            executor.observe = { node, _, tensor in values[node.name, default: []] += tensor.values }
            _ = setting.noise(executor, at: 7)
            return values
        }
        #expect(results[0] == results[1])
    }

    @Test("row by row it is the same noise, though x_t changes meanwhile", arguments: configurations)
    func rowByRow(_ configuration: Configuration) throws {
        let setting = try Setting(configuration), model = try setting.quantized(.both)
        for threads in [1, 3] {
            let executor = Int8Executor(model, threads: threads, bandRows: 3)
            let condition = executor.encode(setting.low, enlarged: setting.enlarged)
            let expected = executor.predictNoise(in: setting.x, at: 7, given: condition)
            executor.rest()
            var x = setting.x
            let length = x.width * 3
            executor.predictNoise(in: &x, at: 7, given: condition) { _, noise, row in
                for j in 0..<length { row[j] = noise[j] }
            }
            #expect(x == expected, "\(threads) threads")
        }
    }

    /// The float executor rounds the same values to the same codes, but its sums round on the way and its Mish is finer:
    /// codes fall to the other side here and there, and what follows from that grows from layer to layer.
    @Test("computes what the float executor computes with the same rounding", arguments: configurations, outputs)
    func simulated(_ configuration: Configuration, _ output: Recipe.Output) throws {
        let setting = try Setting(configuration), model = try setting.quantized(output)
        let simulation = FloatExecutor(simulating: model, threads: 1), executor = Int8Executor(model, threads: 1)
        for timestep in [0, 10, 13, 19] {
            let snr = decibels(setting.noise(executor, at: timestep), expected: setting.noise(simulation, at: timestep))
            #expect(snr > 25, "t = \(timestep): \(snr) dB")
        }
        let snr = decibels(executor.preview(setting.low), expected: simulation.preview(setting.low))
        #expect(snr > 25, "preview: \(snr) dB")
    }

    @Test("what it shows of every node is what the float executor shows", arguments: configurations)
    func observed(_ configuration: Configuration) throws {
        let setting = try Setting(configuration), model = try setting.quantized(.both)
        let simulation = FloatExecutor(simulating: model, threads: 1)
        let executor = Int8Executor(model, threads: 2, bandRows: 3, conditionBudget: 0)
        var expected: [String: FloatTensor] = [:], found: [String: [Float]] = [:]
        simulation.observe = { node, tensor in expected[node.name] = tensor }
        executor.observe = { node, rows, tensor in
            if rows.lowerBound == 0 { found[node.name] = [] }
            found[node.name]! += tensor.values
        }
        _ = setting.noise(simulation, at: 10)
        _ = setting.noise(executor, at: 10)
        #expect(Set(found.keys).isSuperset(of: setting.model.network.noisePredictor.nodes.map(\.name)))
        // Before any code can differ: the second layer reads codes of what a float layer made.
        let first = ["denoise_fn.downs.0.0.block2.block.1", "rrdb.RRDB_trunk.0.RDB1.conv1"]
        for (name, values) in found {
            guard let tensor = expected[name] else { continue }
            let snr = decibels(FloatTensor(shape: tensor.shape, values: values), expected: tensor)
            #expect(snr > (first.contains(name) ? 60 : 25), "\(name): \(snr) dB")
        }
        #expect(found[first[0]] != nil)
    }

    @Test("near the float model", arguments: configurations)
    func nearFloat(_ configuration: Configuration) throws {
        let setting = try Setting(configuration), float = FloatExecutor(setting.model, threads: 1)
        let executor = Int8Executor(try setting.quantized(.both), threads: 1)
        for timestep in [10, 19] {
            let snr = decibels(setting.noise(executor, at: timestep), expected: setting.noise(float, at: timestep))
            // Eight bits through a dozen layers of random weights; a wrong zero point gives less than 10 dB.
            #expect(snr > 20, "t = \(timestep): \(snr) dB")
        }
    }

    private func decibels(_ found: FloatTensor, expected: FloatTensor) -> Double {
        guard found.shape == expected.shape else { return -.infinity }
        let noise = zip(found.values, expected.values).reduce(0.0) { $0 + pow(Double($1.0) - Double($1.1), 2) }
        let signal = expected.values.reduce(0.0) { $0 + pow(Double($1), 2) }
        return 10 * log10(signal / noise)
    }
}
