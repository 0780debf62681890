import Foundation
import SRDRuntime
import SRDQuantizer
import SRDTensor
import SRDModel
import TestSupport
import Testing

@Suite("Executor")
struct ExecutorTests {
    static let configurations = [
        TinyModel.configuration,
        Configuration(
            hiddenSize: 16, multipliers: [1, 2, 2, 4], encoderBlocks: 5, encoderFeatures: 8, scale: 4, timesteps: 20),
        Configuration(
            hiddenSize: 8, multipliers: [1, 2, 2], encoderBlocks: 2, encoderFeatures: 4, scale: 8, hasAttention: true,
            hasUpsampledInput: true, timesteps: 20),
        Configuration(
            hiddenSize: 32, multipliers: [1, 2], encoderBlocks: 2, encoderFeatures: 8, scale: 4, timesteps: 20),
        Configuration(
            hiddenSize: 8, multipliers: [1, 3], encoderBlocks: 3, encoderFeatures: 6, scale: 2, timesteps: 20),
    ]
    static let outputs: [Recipe.Output] = [.int8, .both]

    struct Setting {
        let model: Model
        let low, x: FloatTensor
        let upsampled: FloatTensor?

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
            upsampled = configuration.hasUpsampledInput ? tensor(size.height * scale, size.width * scale) : nil
        }

        func noise(_ executor: Executor, at timestep: Int) -> FloatTensor {
            executor.predictNoise(in: x, at: timestep, given: executor.encode(low, upsampled: upsampled))
        }

        func noise(_ reference: ReferenceExecutor, at timestep: Int) -> FloatTensor {
            reference.predictNoise(in: x, at: timestep, given: reference.encode(low, upsampled: upsampled))
        }

        /// Every value that may be quantized only, or also float.
        func quantized(_ output: Recipe.Output) throws -> Model {
            try TinyQuantizer.quantize(model) { recipe in
                for name in recipe.decisions.keys where recipe.decisions[name]!.output != .float {
                    recipe.decisions[name]!.output = output
                }
            }
        }
    }

    @Test(
        "a float model matches the reference, with the same bits for any band height, threads and instruction set",
        arguments: configurations)
    func float(_ configuration: Configuration) throws {
        let setting = try Setting(configuration), reference = ReferenceExecutor(setting.model)
        let expected = setting.noise(reference, at: 7), image = reference.encoderImage(setting.low)
        var results: [FloatTensor] = [], images: [FloatTensor] = []
        for instructionSet in InstructionSet.available {
            for (bandRows, threads, budget) in [(16, 1, 1 << 30), (1, 3, 0), (5, 2, 0)] {
                let executor = Executor(
                    setting.model, threads: threads, instructionSet: instructionSet,
                    plans: PlanSettings(setting.model, bandRows: bandRows, conditionBudget: budget))
                results.append(setting.noise(executor, at: 7))
                images.append(executor.encoderImage(setting.low))
            }
        }
        #expect(results.allSatisfy { $0 == results[0] } && images.allSatisfy { $0 == images[0] })
        // Float sums of some thousand terms, against double precision.
        #expect(decibels(results[0], expected: expected) > 110 && decibels(images[0], expected: image) > 110)
    }

    @Test(
        "the same bytes for every band height, thread count, place of the condition and instruction set",
        arguments: configurations, outputs)
    func sameBytes(_ configuration: Configuration, _ output: Recipe.Output) throws {
        let setting = try Setting(configuration), model = try setting.quantized(output)
        var results: [FloatTensor] = []
        for instructionSet in InstructionSet.available {
            for (bandRows, threads, budget) in [(16, 1, 1 << 30), (1, 3, 0), (4, 5, 0), (17, 2, 0), (1000, 1, 0)] {
                let executor = Executor(
                    model, threads: threads, instructionSet: instructionSet,
                    plans: PlanSettings(model, bandRows: bandRows, conditionBudget: budget))
                results.append(setting.noise(executor, at: 13))
            }
        }
        #expect(results.allSatisfy { $0 == results[0] })
    }

    /// 128 channels of 255 by 127, nine times, are 1.1 times what Winograd's products may hold.
    @Test("sums too large for Winograd's products come out whole", arguments: InstructionSet.available.dropFirst())
    func largeSums(_ instructionSet: InstructionSet) throws {
        let setting = try Setting(
            Configuration(
                hiddenSize: 64, multipliers: [1, 2], encoderBlocks: 2, encoderFeatures: 8, scale: 4, timesteps: 20))
        let model = try setting.quantized(.int8)
        let largest = Model(
            network: model.network, schedule: model.schedule,
            layers: model.layers.mapValues { layer in
                guard case .int8(let quantized, let scales) = layer.weights else { return layer }
                let weights = QuantizedWeights([Int8](repeating: 127, count: quantized.count))
                return Layer(shape: layer.shape, weights: .int8(weights, scales: scales), bias: layer.bias)
            }, activations: model.activations, calibratedTimesteps: model.calibratedTimesteps,
            parameters: model.parameters,
            hasPreview: model.hasPreview)
        // Every node's values: what follows saturates, and would hide a wrong sum.
        let results = [.scalar, instructionSet].map { name in
            let executor = Executor(
                largest, threads: 2, instructionSet: name, plans: PlanSettings(largest, bandRows: 1000))
            var values: [String: [Float]] = [:]
            executor.observer = ExecutorObserver()
            executor.observer!.onRows = { node, _, tensor in values[node.name, default: []] += tensor.values }
            _ = setting.noise(executor, at: 7)
            return values
        }
        #expect(results[0] == results[1])
    }

    @Test("row by row it is the same noise, though x_t changes meanwhile", arguments: configurations)
    func rowByRow(_ configuration: Configuration) throws {
        let setting = try Setting(configuration), model = try setting.quantized(.both)
        for threads in [1, 3] {
            let executor = Executor(model, threads: threads, plans: PlanSettings(model, bandRows: 3))
            let condition = executor.encode(setting.low, upsampled: setting.upsampled)
            let expected = executor.predictNoise(in: setting.x, at: 7, given: condition)
            executor.releaseWorkspace()
            var x = setting.x
            let length = x.width * 3
            executor.predictNoise(in: &x, at: 7, given: condition) { _, noise, row in
                for j in 0..<length { row[j] = noise[j] }
            }
            #expect(x == expected, "\(threads) threads")
        }
    }

    /// The reference rounds the same values, but its sums and its Mish are more precise. Values near a rounding
    /// boundary fall to the other side here and there, and the difference grows from layer to layer.
    @Test("an int8 model gives what the reference gives with the same rounding", arguments: configurations, outputs)
    func simulated(_ configuration: Configuration, _ output: Recipe.Output) throws {
        let setting = try Setting(configuration), model = try setting.quantized(output)
        let simulation = ReferenceExecutor(model), executor = Executor(model, threads: 1)
        for timestep in [0, 10, 13, 19] {
            let snr = decibels(setting.noise(executor, at: timestep), expected: setting.noise(simulation, at: timestep))
            #expect(snr > 25, "t = \(timestep): \(snr) dB")
        }
        let snr = decibels(executor.encoderImage(setting.low), expected: simulation.encoderImage(setting.low))
        #expect(snr > 25, "preview: \(snr) dB")
    }

    @Test("the observer sees every node's values", arguments: configurations)
    func observed(_ configuration: Configuration) throws {
        let setting = try Setting(configuration), model = try setting.quantized(.both)
        var simulation = ReferenceExecutor(model)
        let executor = Executor(model, threads: 2, plans: PlanSettings(model, bandRows: 3, conditionBudget: 0))
        var expected: [String: FloatTensor] = [:], found: [String: [Float]] = [:]
        simulation.observe = { node, tensor in expected[node.name] = tensor }
        executor.observer = ExecutorObserver()
        executor.observer!.onRows = { node, rows, tensor in
            if rows.lowerBound == 0 { found[node.name] = [] }
            found[node.name]! += tensor.values
        }
        _ = setting.noise(simulation, at: 10)
        _ = setting.noise(executor, at: 10)
        #expect(Set(found.keys).isSuperset(of: setting.model.network.noisePredictor.nodes.map(\.name)))
        // The second layer reads quantized values of a float layer, so up to there no quantized value can differ.
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
        let setting = try Setting(configuration), float = ReferenceExecutor(setting.model)
        let executor = Executor(try setting.quantized(.both), threads: 1)
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
