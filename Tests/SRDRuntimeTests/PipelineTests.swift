import Testing
import SRDFile
import SRDRuntime
import SRDImage
import SRDTensor
import SRDModel
import TestSupport

@Suite("Pipeline")
struct PipelineTests {
    static let settings = SamplingSettings(schedule: .ancestral(steps: 4), seed: 11)

    func image(_ width: Int, _ height: Int, channels: Int = 3, bitDepth: Int = 8) -> Image {
        var random = SeededRandom(seed: 5)
        let top: UInt16 = bitDepth == 8 ? 255 : 65535
        return Image(
            width: width, height: height, channels: channels, bitDepth: bitDepth,
            samples: (0..<width * height * channels).map { _ in .random(in: 0...top, using: &random) })
    }

    func upscale(
        _ image: Image, threads: Int = 1, _ configuration: Configuration = TinyModel.configuration,
        settings: SamplingSettings = settings
    ) throws -> Image {
        let model = try TinyModel.model(configuration)
        let pipeline = Pipeline(Executor(model, threads: threads))
        return try pipeline.upscale(pipeline.prepare(image), settings: settings)
    }

    static let samplers: [TimestepSchedule] = [
        .ancestral(steps: 4), .ddim(steps: 4, eta: 0.5), .spaced(.dpmSolver2M, steps: 4, .logSNR),
        .spaced(.dpmSolver2MSDE, steps: 4, .quadratic), .spaced(.unipc, steps: 6, .uniform),
    ]

    @Test(
        "any size works, down to one pixel", arguments: [(1, 1), (1, 9), (7, 1), (2, 3), (13, 11)],
        [
            TinyModel.configuration,
            Configuration(
                hiddenSize: 8, multipliers: [1, 1, 1, 2], encoderBlocks: 2, encoderFeatures: 4, scale: 2, timesteps: 5),
            Configuration(
                hiddenSize: 4, multipliers: [1, 2, 2], encoderBlocks: 2, encoderFeatures: 4, scale: 8,
                hasAttention: true,
                hasUpsampledInput: true, timesteps: 5),
        ])
    func anySize(size: (width: Int, height: Int), configuration: Configuration) throws {
        let result = try upscale(image(size.width, size.height), configuration)
        #expect(result.width == size.width * configuration.scale && result.height == size.height * configuration.scale)
    }

    @Test("gray stays gray, alpha stays alpha, 16 bits stay 16", arguments: 1...4, [8, 16])
    func kinds(channels: Int, bitDepth: Int) throws {
        let low = image(6, 5, channels: channels, bitDepth: bitDepth), result = try upscale(low)
        #expect(result.channels == channels && result.bitDepth == bitDepth)
        if low.hasAlpha {
            func alpha(_ image: Image) -> [UInt16] {
                stride(from: channels - 1, to: image.samples.count, by: channels).map { image.samples[$0] }
            }
            let plane = Image(width: 6, height: 5, channels: 1, bitDepth: bitDepth, samples: alpha(low))
            #expect(alpha(result) == plane.resized(by: 4).samples)
        }
    }

    @Test("the same image in 16 bits gives the same result, finer")
    func sixteenBits() throws {
        let low = image(6, 5)
        let fine = Image(width: 6, height: 5, channels: 3, bitDepth: 16, samples: low.samples.map { $0 * 257 })
        for (a, b) in zip(try upscale(low).samples, try upscale(fine).samples) {
            #expect(abs(Double(b) / 257 - Double(a)) <= 0.5 + 1e-3)
        }
    }

    @Test("the result does not depend on the number of threads", arguments: samplers)
    func threads(_ sampler: TimestepSchedule) throws {
        let low = image(13, 9), settings = SamplingSettings(schedule: sampler, seed: 11)
        let one = try upscale(low, threads: 1, settings: settings),
            five = try upscale(low, threads: 5, settings: settings)
        #expect(one == five)
    }

    /// SHA-256 of x_0, the first digits.
    static let hashes = [
        "4e7566a0c7db4673", "0170eccba12b0882", "019b2a8b6858f1af", "449ea40b491d8e0e", "a7bbc9522879005a",
    ]

    @Test("every sampler's image is known, on every instruction set", arguments: zip(samplers, hashes))
    func golden(_ sampler: TimestepSchedule, hash: String) throws {
        let model = try TinyModel.model()
        for instructionSet in InstructionSet.available {
            let executor = Executor(model, threads: 1, instructionSet: instructionSet)
            let pipeline = Pipeline(executor)
            let prepared = pipeline.prepare(image(7, 5))
            let residual = pipeline.residual(prepared, settings: SamplingSettings(schedule: sampler, seed: 3)) { _, _ in
            }
            var sha = SHA256()
            residual.values.map(\.bitPattern.littleEndian).withUnsafeBytes { sha.update($0) }
            let found = sha.hexDigest()
            #expect(found.hasPrefix(hash), "\(instructionSet) \(found)")
        }
    }

    @Test("the loop is the steps' equation, earlier x0 and all", arguments: samplers)
    func loop(_ sampler: TimestepSchedule) throws {
        let model = try TinyModel.model(), executor = Executor(model, threads: 1)
        let pipeline = Pipeline(executor)
        let prepared = pipeline.prepare(image(5, 4)), height = prepared.condition.stored.height
        func noise(_ draw: Int, width: Int) -> [Float] {
            (0..<height).flatMap { NoiseField.pixel(PixelNoise(seed: 11, draw: UInt32(draw))).row($0, width: width) }
        }
        let width = prepared.condition.stored.width
        var x = FloatTensor(shape: [height, width, 3], values: noise(0, width: width)), clean: [[Float]] = []
        for (i, step) in sampler.steps(of: model.schedule).enumerated() {
            let predicted = executor.predictNoise(in: x, at: step.timestep, given: prepared.condition).values
            let z = noise(i + 1, width: width)
            clean.append(x.values.indices.map { step.clean(x.values[$0], noise: predicted[$0]) })
            for j in x.values.indices {
                var next = step.a * clean[i][j] + step.b * x.values[j] + step.sigma * z[j]
                if i > 0 { next += step.c * clean[i - 1][j] }
                if i > 1 { next += step.d * clean[i - 2][j] }
                x.values[j] = next
            }
        }
        let found = pipeline.residual(prepared, settings: SamplingSettings(schedule: sampler, seed: 11)) { _, _ in }
        #expect(found == x)
    }

    @Test("from x_T as a state the run is the one from noise; from x_t it is its steps' equation", arguments: samplers)
    func states(_ sampler: TimestepSchedule) throws {
        let model = try TinyModel.model(), executor = Executor(model, threads: 1)
        let settings = SamplingSettings(schedule: sampler, seed: 11)
        let pipeline = Pipeline(executor)
        let prepared = pipeline.prepare(image(5, 4))
        let size = prepared.condition.stored
        func noise(_ draw: Int) -> [Float] {
            (0..<size.height).flatMap {
                NoiseField.pixel(PixelNoise(seed: 11, draw: UInt32(draw))).row($0, width: size.width)
            }
        }
        let x = FloatTensor(shape: [size.height, size.width, 3], values: noise(0))
        let whole = pipeline.residual(prepared, settings: settings) { _, _ in }
        let fromState = pipeline.residual(prepared, settings: settings, from: LatentState(timestep: 19, x: x)) { _, _ in
        }
        #expect(whole == fromState)

        let start = LatentState(timestep: 9, x: x),
            steps = sampler.starting(at: 9, in: model.schedule).steps(of: model.schedule)
        var expected = x, clean: [[Float]] = [], calls = 0
        for (i, step) in steps.enumerated() {
            let predicted = executor.predictNoise(in: expected, at: step.timestep, given: prepared.condition).values
            let z = noise(i + 1)
            clean.append(expected.values.indices.map { step.clean(expected.values[$0], noise: predicted[$0]) })
            for j in expected.values.indices {
                var next = step.a * clean[i][j] + step.b * expected.values[j] + step.sigma * z[j]
                if i > 0 { next += step.c * clean[i - 1][j] }
                if i > 1 { next += step.d * clean[i - 2][j] }
                expected.values[j] = next
            }
        }
        let found = pipeline.residual(prepared, settings: settings, from: start) { _, _ in calls += 1 }
        #expect(found == expected && calls == steps.count && steps.count < 20)
    }

    @Test(
        "an image diffused to step t holds its clamped residual and the noise in the schedule's shares",
        arguments: [0, 7, 19])
    func diffuses(timestep: Int) throws {
        let model = try TinyModel.model(), executor = Executor(model, threads: 1)
        let pipeline = Pipeline(executor)
        let low = image(6, 4, channels: 1, bitDepth: 16), high = image(24, 16, channels: 1, bitDepth: 16)
        let prepared = pipeline.prepare(low)
        let found = pipeline.diffuse(high, over: prepared, to: timestep, settings: Self.settings)
        var upsampled: [Double] = []
        BicubicRows(low, scaledBy: 4).rows(0..<16, into: &upsampled)
        for y in 0..<16 {
            let z = NoiseField.pixel(PixelNoise(seed: 11, draw: 0)).row(y, width: found.x.width)
            for x in 0..<24 {
                let own = Double(high.samples[y * 24 + x]) / 257 / 127.5, under = upsampled[y * 24 + x] / 257 / 128
                let clean = max(-1, min(1, 2 * (own - under)))
                let expected =
                    model.schedule.signal[timestep] * clean + model.schedule.noise[timestep] * Double(z[x * 3 + 1])
                let value = Double(found.x.values[(y * found.x.width + x) * 3 + 1])
                #expect(abs(value - expected) < 1e-5)
            }
        }
        #expect(found.timestep == timestep)
    }

    @Test("two seeds mixed: the ends are each seed's own image, and between them the same on every instruction set")
    func blends() throws {
        let model = try TinyModel.model(), low = image(7, 5)
        func upscale(
            _ seed: UInt64, _ blend: SamplingSettings.SeedBlend?, _ instructionSet: InstructionSet = .fastest,
            threads: Int = 1
        ) -> Image {
            let executor = Executor(model, threads: threads, instructionSet: instructionSet)
            let pipeline = Pipeline(executor)
            let settings = SamplingSettings(schedule: .ancestral(steps: 4), seed: seed, blend: blend)
            return pipeline.upscale(pipeline.prepare(low), settings: settings) { _, _ in }
        }
        for shares in [BlendWeights.spherical(0), .linear(0)] {
            #expect(upscale(3, .init(seed: 4, weights: shares)) == upscale(3, nil))
        }
        for shares in [BlendWeights.spherical(1), .linear(1)] {
            #expect(upscale(3, .init(seed: 4, weights: shares)) == upscale(4, nil))
        }
        let middle = upscale(3, .init(seed: 4, weights: .spherical(0.5)))
        #expect(middle != upscale(3, nil) && middle != upscale(4, nil))
        for instructionSet in InstructionSet.available {
            #expect(upscale(3, .init(seed: 4, weights: .spherical(0.5)), instructionSet, threads: 3) == middle)
        }
    }

    @Test("an error from progress stops the run and comes through")
    func stops() throws {
        struct Stop: Error {}
        let model = try TinyModel.model()
        let pipeline = Pipeline(Executor(model, threads: 1))
        var calls = 0
        #expect(throws: Stop.self) {
            _ = try pipeline.upscale(pipeline.prepare(image(4, 4)), settings: Self.settings) { _, _ in
                calls += 1
                if calls == 2 { throw Stop() }
            }
        }
        #expect(calls == 2)
    }
}

extension Executor.Condition {
    /// The condition of an image that is small enough to store it.
    var stored: FloatTensor {
        guard case .stored(let condition) = noise else { preconditionFailure("the condition is streamed") }
        return condition.tensor
    }
}
