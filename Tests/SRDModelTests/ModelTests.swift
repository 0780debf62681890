import Testing
import SRDTensor
import SRDModel
import TestSupport

@Suite("A model is inferred from its tensors")
struct ModelTests {
    @Test(
        "every configuration is inferred from its shapes",
        arguments: [
            TinyModel.configuration,
            Configuration(hiddenSize: 8, multipliers: [1, 2, 2, 4], encoderBlocks: 8, encoderFeatures: 4, scale: 2),
            Configuration(
                hiddenSize: 4, multipliers: [1, 3, 5], encoderBlocks: 5, encoderFeatures: 2, scale: 8,
                hasAttention: true,
                hasUpsampledInput: true, timesteps: 7),
        ])
    func inference(_ configuration: Configuration) throws {
        #expect(try TinyModel.model(configuration).configuration == configuration)
    }

    @Test("any missing tensor is named")
    func missing() {
        let all = TinyModel.tensors()
        for name in all.keys {
            var tensors = all
            tensors[name] = nil
            #expect(throws: ModelError.self, "without \(name)") { try Model(tensors: tensors) }
        }
    }

    @Test("a misshapen tensor is named with both shapes")
    func misshapen() {
        var tensors = TinyModel.tensors()
        let name = "denoise_fn.ups.0.1.block1.block.1.weight"
        tensors[name] = FloatTensor(shape: [8, 8, 3, 1])
        #expect(throws: ModelError.misshapen(name: name, found: [8, 8, 3, 1], expected: [8, 8, 3, 3])) {
            try Model(tensors: tensors)
        }
    }

    @Test("arbitrary shapes give an error, not a crash", arguments: 0..<300)
    func hostileShapes(round: Int) {
        var random = SeededRandom(seed: SeededRandom.seed &+ UInt64(round)), tensors = TinyModel.tensors()
        for _ in 0..<3 {
            let name = tensors.keys.sorted().randomElement(using: &random)!
            let rank = Int.random(in: 0...5, using: &random)
            tensors[name] = FloatTensor(shape: (0..<rank).map { _ in Int.random(in: 0...5, using: &random) })
        }
        _ = try? Model(tensors: tensors)
    }

    @Test("a tensor with values that are not finite is named", arguments: [Float.nan, .infinity])
    func notFinite(value: Float) {
        var tensors = TinyModel.tensors()
        tensors["rrdb.conv_first.bias"]!.values[3] = value
        #expect(throws: ModelError.notFinite(name: "rrdb.conv_first.bias")) { try Model(tensors: tensors) }
    }

    @Test("a model without the preview's layers has no preview")
    func withoutPreview() throws {
        let tensors = TinyModel.tensors().filter { name, _ in
            !["rrdb.upconv", "rrdb.HRconv", "rrdb.conv_last"].contains { name.hasPrefix($0) }
        }
        #expect(try Model(tensors: tensors).hasPreview == false)
    }

    @Test("padded sizes are the smallest that the network can process", arguments: [2, 4, 8], [1, 2, 3, 4, 5])
    func paddedSizes(scale: Int, levels: Int) {
        let configuration = Configuration(
            hiddenSize: 8, multipliers: [Int](repeating: 1, count: levels), encoderBlocks: 2, encoderFeatures: 8,
            scale: scale)
        func suits(_ side: Int) -> Bool {
            side * scale % configuration.sizeMultiple == 0 && side * scale >= 2 * configuration.sizeMultiple
        }
        for side in 1...70 {
            let padded = configuration.paddedSize(width: side, height: 3)
            #expect(padded.width == (side...).first(where: suits))
        }
    }

    @Test("multiply-accumulates per pixel are the published numbers")
    func cost() {
        // ../shared/spec: hidden 64, multipliers 1|2|2|4: 578,624 per pixel of the upscaled image; cond_proj 24,576.
        let network = Network(
            Configuration(hiddenSize: 64, multipliers: [1, 2, 2, 4], encoderBlocks: 8, encoderFeatures: 32, scale: 4))
        #expect(network.noisePredictor.macsPerPixel == 578_624)
        #expect(network.conditioner.macsPerPixel == 24_576)
    }
}
