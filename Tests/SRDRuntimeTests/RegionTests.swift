import SRDImage
import SRDModel
import SRDRuntime
import SRDTensor
import TestSupport
import Testing

@Suite("Regions of a result")
struct RegionTests {
    private static func image(_ width: Int, _ height: Int, channels: Int, using random: inout SeededRandom) -> Image {
        Image(
            width: width, height: height, channels: channels, bitDepth: 8,
            samples: (0..<width * height * channels).map { _ in .random(in: 0...255, using: &random) })
    }

    /// A part of 0 ..< `length`: at an end, in the middle or all of it.
    private static func part(of length: Int, using random: inout SeededRandom) -> Range<Int> {
        let a = Int.random(in: 0..<length, using: &random), b = Int.random(in: 0..<length, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: return 0..<a + 1
        case 1: return a..<length
        case 2: return 0..<length
        default: return min(a, b)..<max(a, b) + 1
        }
    }

    private static func configuration(using random: inout SeededRandom) -> Configuration {
        let multipliers = (0..<Int.random(in: 1...4, using: &random)).map { _ in Int.random(in: 1...2, using: &random) }
        return Configuration(
            hiddenSize: 4, multipliers: [1] + multipliers.dropFirst(), encoderBlocks: 2, encoderFeatures: 4,
            scale: [2, 4, 8].randomElement(using: &random)!, hasUpsampledInput: .random(using: &random), timesteps: 10)
    }

    @Test(
        "a region is the same pixels as in the whole: random graphs, sizes, samplers, steps, kinds and fidelities",
        arguments: 0..<20)
    func sameBytes(_ number: Int) throws {
        var random = SeededRandom(seed: SeededRandom.seed &* 1000 &+ UInt64(number))
        let configuration = Self.configuration(using: &random), scale = configuration.scale
        let float = try TinyModel.model(configuration, seed: random.next())
        let model = number % 2 == 0 ? try TinyQuantizer.quantize(float) : float
        let tall = Bool.random(using: &random)
        let long = Int.random(in: 1...(scale == 8 ? 60 : 120), using: &random),
            short = Int.random(in: 1...9, using: &random)
        let low = Self.image(
            tall ? short : long, tall ? long : short, channels: Int.random(in: 1...4, using: &random), using: &random)
        let sampler = Sampler.allCases[number % Sampler.allCases.count]
        let settings = SamplingSettings(
            schedule: .spaced(sampler, eta: sampler.takesEta ? 0.5 : 0, steps: number % 8 + 1, .uniform),
            seed: random.next(),
            generator: number % 7 == 6 ? .torch : .pixel,
            fidelity: [.sample, Fidelity(0.3)!, Fidelity(1)!].randomElement(using: &random)!)
        let region = ResultRegion(
            columns: Self.part(of: low.width * scale, using: &random),
            rows: Self.part(of: low.height * scale, using: &random))

        let pipeline = Pipeline(Executor(model, threads: 1))
        func upscale(_ region: ResultRegion?) -> Image {
            pipeline.upscale(pipeline.prepare(low, region: region, settings: settings), settings: settings) { _, _ in }
        }
        func crop(_ image: Image) -> Image { image.window(columns: region.columns, rows: region.rows) }
        #expect(
            upscale(region) == crop(upscale(nil)), "\(configuration) \(low.width)×\(low.height) \(settings) \(region)")
        #expect(pipeline.encoderImage(low, region: region) == crop(pipeline.encoderImage(low)))
        let bicubic = low.resized(by: scale)
        #expect(
            low.resized(by: scale, rows: region.rows) == bicubic.window(columns: 0..<bicubic.width, rows: region.rows))
    }

    @Test("the halo is what the graphs read: it grows by the same for each step, and not with the image")
    func halo() {
        let network = Network(TinyModel.configuration)
        func halo(steps: Int, height: Int) -> (sampled: Int, encoded: Int) {
            let region = ResultRegion(columns: 0..<16, rows: height * 2..<height * 2 + 16)
            let window = Window(region, of: network, width: 4, height: height, steps: steps, fidelity: .sample)
            return (window.sampled.rows.count - 4, window.encoded.rows.count - 4)
        }
        let one = halo(steps: 1, height: 1000), five = halo(steps: 5, height: 1000)
        #expect(five == halo(steps: 5, height: 5000))
        // 3 × 3 layers: two levels of the U-Net, then 2 blocks of 15 layers, the first and the last of the encoder.
        #expect(one.encoded - one.sampled == 2 * (2 * 15 + 2))
        // A step of the U-Net: 12 layers at half size, 4 at full size, down, up, and the last one, in pixels of the
        // result.
        #expect((five.sampled - one.sampled) * 4 == 4 * 2 * (12 * 2 + 4 + 3))
    }

    @Test("no pixel beyond the halo reaches the region")
    func nothingBeyond() throws {
        var random = SeededRandom(seed: SeededRandom.seed)
        let model = try TinyModel.model(), low = Self.image(8, 200, channels: 3, using: &random)
        let settings = SamplingSettings(schedule: .ancestral(steps: 2), seed: 3)
        let rows = 400..<416, region = ResultRegion(columns: 0..<32, rows: rows)
        let window = Window(region, of: model.network, width: 8, height: 200, steps: 2, fidelity: .sample)
        let pipeline = Pipeline(Executor(model, threads: 1))
        let whole = pipeline.upscale(pipeline.prepare(low), settings: settings) { _, _ in }
        func differs(_ y: Int) -> Bool {
            var changed = low
            for i in y * 24..<(y + 1) * 24 { changed.samples[i] = 255 - changed.samples[i] }
            let prepared = pipeline.prepare(changed),
                result = pipeline.upscale(prepared, settings: settings) { _, _ in }
            return result.window(columns: 0..<32, rows: rows) != whole.window(columns: 0..<32, rows: rows)
        }
        #expect(!differs(window.encoded.rows.lowerBound - 1) && !differs(window.encoded.rows.upperBound))
        #expect(differs(99) && differs(104))
    }
}
