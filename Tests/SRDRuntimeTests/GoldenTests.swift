import Testing
import SRDCheckpoint
import SRDFile
import SRDRuntime
import SRDImage
import SRDTensor
import SRDModel
import TestSupport

/// A case of ../shared/golden: a checkpoint and what the independent reference computed with it.
struct GoldenCase: CustomTestStringConvertible {
    let checkpoint: String
    let name: String

    var testDescription: String { name }

    init(_ checkpoint: String) {
        self.checkpoint = checkpoint
        name = String(checkpoint.split(separator: ".")[0])
    }

    static let all = ["x4.ckpt", "x4-odd.ckpt", "x4-weightnorm.ckpt", "x2-linear.bin", "x8-attn-upinput.safetensors"]
        .map(GoldenCase.init)

    func model() throws -> Model {
        try Model(tensors: Checkpoint.read(SharedFiles.path("golden/\(checkpoint)")).tensors)
    }

    func golden() throws -> Safetensors { try Safetensors(path: SharedFiles.path("golden/\(name).golden.safetensors")) }
}

extension Safetensors {
    /// A `[1, C, H, W]` tensor as a feature map.
    func map(_ name: String) throws -> FloatTensor {
        let planes = try tensor(name)
        return FloatTensor(
            planes: planes.values, height: planes.shape[2], width: planes.shape[3], channels: planes.shape[1])
    }

    func image(_ name: String) throws -> Image {
        let samples = try uint8s(name), shape = self[name]!.shape
        return Image(width: shape[1], height: shape[0], channels: 3, bitDepth: 8, samples: samples.map(UInt16.init))
    }

    var timesteps: [Int] { metadata["ddim_timesteps"]!.split { !$0.isNumber }.map { Int($0)! } }
}

func largestDifference(_ a: FloatTensor, _ b: FloatTensor) -> Float {
    guard a.shape == b.shape else { return .infinity }
    return zip(a.values, b.values).map { abs($0 - $1) }.max() ?? 0
}

@Suite(
    "The float runtime and the reference are the published network",
    .enabled(if: SharedFiles.has("golden"), "../shared/golden is absent: nothing to compare with")
)
struct GoldenTests {
    /// Rounding of float32 sums in another order, through a whole trajectory.
    static let bound: Float = 1e-4

    @Test("encoder maps, condition and the encoder's image", arguments: GoldenCase.all)
    func encoder(_ test: GoldenCase) throws {
        let model = try test.model(), golden = try test.golden()
        let executor = Executor(model, threads: 2, plans: PlanSettings(model, conditionBudget: .max)),
            reference = ReferenceExecutor(model)
        let lr = try golden.map("lr_padded"), upsampled = try golden.map("lr_up_padded")
        for maps in [executor.features(lr), Array(reference.features(lr).dropLast())] {
            for (block, map) in zip(model.configuration.conditioningBlocks, maps) {
                let expected = try golden.map("features.\(block)")
                #expect(largestDifference(map, expected) < Self.bound)
            }
        }
        if !model.configuration.hasUpsampledInput {  // "cond" is before up_proj is added
            let expected = try golden.map("cond")
            for condition in [executor.encode(lr, upsampled: upsampled).stored, reference.encode(lr, upsampled: nil)] {
                #expect(largestDifference(condition, expected) < Self.bound)
            }
        }
        let expected = try golden.map("encoder_picture")
        for image in [executor.encoderImage(lr), reference.encoderImage(lr)] {
            #expect(largestDifference(image.clampedToNetworkRange, expected) < Self.bound)
        }
    }

    @Test("predicted noise", arguments: GoldenCase.all)
    func noise(_ test: GoldenCase) throws {
        let golden = try test.golden(), model = try test.model()
        let executor = Executor(model, threads: 2), reference = ReferenceExecutor(model)
        let lr = try golden.map("lr_padded"), x = try golden.map("x_t")
        let upsampled = model.configuration.hasUpsampledInput ? try golden.map("lr_up_padded") : nil
        let condition = executor.encode(lr, upsampled: upsampled), plain = reference.encode(lr, upsampled: upsampled)
        let keys = golden.entries.map(\.name).filter { $0.hasPrefix("eps.") }
        #expect(keys.count == 3)
        for key in keys {
            let timestep = Int(key.dropFirst(4))!, expected = try golden.map(key)
            #expect(
                largestDifference(executor.predictNoise(in: x, at: timestep, given: condition), expected) < Self.bound,
                "\(key)")
            #expect(
                largestDifference(reference.predictNoise(in: x, at: timestep, given: plain), expected) < Self.bound,
                "reference \(key)")
        }
    }

    enum Trajectory: String, CaseIterable {
        case ddpm, ddim10, ddim10_eta05

        func schedule(of model: Model) -> TimestepSchedule {
            switch self {
            case .ddpm: return .ancestral(steps: model.configuration.timesteps)
            case .ddim10: return .ddim(steps: 10, eta: 0)
            case .ddim10_eta05: return .ddim(steps: 10, eta: 0.5)
            }
        }
    }

    @Test("trajectories with PyTorch's own noise", arguments: GoldenCase.all, Trajectory.allCases)
    func trajectory(_ test: GoldenCase, _ trajectory: Trajectory) throws {
        let model = try test.model(), golden = try test.golden()
        let pipeline = Pipeline(Executor(model, threads: 2))
        let settings = SamplingSettings(schedule: trajectory.schedule(of: model), seed: 5, generator: .torch)
        let prepared = pipeline.prepare(try golden.image("lr_u8"))
        let residual = try pipeline.residual(prepared, settings: settings)
        let difference = largestDifference(residual, try golden.map("\(trajectory.rawValue).residual"))
        #expect(difference < Self.bound, "off by \(difference)")
        if trajectory != .ddpm {
            #expect(settings.schedule.steps(of: model.schedule).map(\.timestep) == golden.timesteps)
            return
        }
        let image = try pipeline.upscale(prepared, settings: settings), expected = try golden.image("ddpm.sr_u8")
        #expect(image.width == expected.width && image.height == expected.height)
        let differences = zip(image.samples, expected.samples).map { abs(Int($0) - Int($1)) }
        #expect(differences.max() ?? 2 <= 1)
        #expect(differences.count { $0 == 0 } * 1000 >= differences.count * 999)
    }

    @Test("network inputs are those of the published code", arguments: GoldenCase.all)
    func inputs(_ test: GoldenCase) throws {
        let golden = try test.golden(), model = try test.model()
        let inputs = Pipeline(Executor(model, threads: 1)).networkInputs(of: try golden.image("lr_u8"))
        let paddedLow = try golden.map("lr_padded")
        #expect(largestDifference(inputs.lr, paddedLow) < 1e-6)
        if let upsampled = inputs.upsampled {
            let expected = try golden.map("lr_up_padded")
            #expect(largestDifference(upsampled, expected) < 1e-6)
        }
    }

    @Test("the same bits on every instruction set and thread count", arguments: GoldenCase.all)
    func sameBits(_ test: GoldenCase) throws {
        let golden = try test.golden(), model = try test.model()
        var results: [FloatTensor] = []
        for instructionSet in InstructionSet.available {
            for threads in [1, 3] {
                let executor = Executor(model, threads: threads, instructionSet: instructionSet)
                let condition = executor.encode(try golden.map("lr_padded"), upsampled: try golden.map("lr_up_padded"))
                results.append(executor.predictNoise(in: try golden.map("x_t"), at: 7, given: condition))
            }
        }
        #expect(results.allSatisfy { $0 == results[0] })
    }
}
