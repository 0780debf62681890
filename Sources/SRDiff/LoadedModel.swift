import SRDCheckpoint
import SRDFile
import SRDTensor

/// A model with the file that it came from.
public struct LoadedModel: Sendable {
    public let path: String
    /// How the file was found, for the user.
    public let foundBy: String
    /// The hash of the file, in hexadecimal.
    public let sha256: String
    public let model: Model
    /// What a user should know about the weights, such as a rebuilt noise schedule; one sentence each.
    public let warnings: [String]

    public init(path: String, foundBy: String, sha256: String, model: Model, warnings: [String] = []) {
        self.path = path
        self.foundBy = foundBy
        self.sha256 = sha256
        self.model = model
        self.warnings = warnings
    }

    /// Reads an int8 model, or a float model from a checkpoint in any supported format; a folder or an index file
    /// stands for sharded safetensors.
    ///
    /// Throws `FileError` if the file cannot be read and `SRDiffError.badModel` if its contents cannot be used.
    public static func read(_ path: String, foundBy: String = "named") throws -> LoadedModel {
        do {
            let checkpoint: Checkpoint
            if FilePath.isFolder(path) || path.hasSuffix(".json") {
                checkpoint = try Checkpoint.read(path)
            } else {
                // Read and parsed once, whatever it turns out to be.
                let file = try MappedFile(path: path)
                if let safetensors = try? Safetensors(file) {
                    if QuantizedModelFile.recognizes(safetensors) {
                        let (quantized, sha256) = Parallel.both(
                            threads: 2, { Result { try QuantizedModelFile(safetensors) } },
                            { Result { try file.sha256() } })
                        let model = try quantized.get().model
                        return LoadedModel(
                            path: path, foundBy: foundBy, sha256: try sha256.get(), model: model,
                            warnings: model.schedule.warning.map { [$0] } ?? [])
                    }
                    checkpoint = try Checkpoint(safetensors)
                } else {
                    checkpoint = try Checkpoint(file)
                }
            }
            let model = try checkpoint.model()
            return LoadedModel(
                path: path, foundBy: foundBy, sha256: checkpoint.sourceSHA256, model: model,
                warnings: checkpoint.warnings)
        } catch {
            // A FileError names the file itself.
            throw error is FileError ? error : SRDiffError.badModel(path: path, reason: error)
        }
    }

    public var network: Network { model.network }
    public var schedule: NoiseSchedule { model.schedule }
    public var configuration: Configuration { model.configuration }
    public var hasPreview: Bool { model.hasPreview }
    public var isFloat: Bool { !model.isQuantized }
    /// Returns the model if it is float. Throws `SRDiffError.notFloat` for an int8 model.
    public func float() throws(SRDiffError) -> Model {
        guard isFloat else { throw .notFloat(path: path) }
        return model
    }

    /// `float` or `int8`.
    public var arithmetic: String { isFloat ? "float" : "int8" }
}

/// Which schedule to sample with; what is nil is decided by the model.
public struct ScheduleRequest: Sendable {
    public enum Steps: Hashable, Sendable {
        case count(Int)
        /// The fewest searched steps that are as good as 100 steps of DDPM by the model's own report.
        case auto
    }

    public var steps: Steps?
    public var sampler: Sampler?
    public var spacing: TimestepSpacing?
    /// η of DDIM.
    public var eta: Double

    public init(steps: Steps? = nil, sampler: Sampler? = nil, spacing: TimestepSpacing? = nil, eta: Double = 0) {
        self.steps = steps
        self.sampler = sampler
        self.spacing = spacing
        self.eta = eta
    }

    /// The default numbers of steps: the first of which the model has a searched schedule.
    public static let defaultSearchedSteps = [2, 8]
    /// The default number of steps for models without searched schedules.
    public static let defaultSteps = 20

    /// What `auto` may lose against 100 steps of DDPM: dB of PSNR, and LPIPS relative to DDPM's.
    public static let autoPSNRLoss: Float = 0.05, autoLPIPSRatio: Float = 1.02
}

extension LoadedModel {
    /// Returns the schedule for a request: the model's own searched one if it has one of that many steps and the
    /// request names neither a sampler nor a spacing.
    ///
    /// Throws `SRDiffError`.
    public func schedule(for request: ScheduleRequest = .init()) throws(SRDiffError) -> TimestepSchedule {
        let timesteps = schedule.timesteps
        func searched(_ count: Int) -> TimestepSchedule? {
            guard request.sampler == nil, request.spacing == nil else { return nil }
            return model.schedules.first { $0.transitions.count == count }.map { .transitions($0.transitions) }
        }
        let fallback =
            ScheduleRequest.defaultSearchedSteps.first { searched($0) != nil }
            ?? min(ScheduleRequest.defaultSteps, timesteps)
        let found: TimestepSchedule
        switch request.steps ?? .count(fallback) {
        case .auto:
            let good = model.schedules.first {
                $0.psnrGain >= -ScheduleRequest.autoPSNRLoss && $0.lpipsRatio <= ScheduleRequest.autoLPIPSRatio
            }
            guard let schedule = good ?? model.schedules.last else { throw .noSearchedSchedules(path: path) }
            found = .transitions(schedule.transitions)
        case .count(let count):
            found =
                searched(count)
                ?? .spaced(request.sampler ?? .ddpm, eta: request.eta, steps: count, request.spacing ?? .uniform)
        }
        do throws(TimestepScheduleError) { try found.check(timesteps: timesteps) } catch {
            throw .badSchedule(path: path, error)
        }
        return found
    }

    /// Returns the fidelity that the model was found best with for a schedule: 0 for schedules that are not its own.
    public func defaultFidelity(for schedule: TimestepSchedule) -> Fidelity {
        guard case .transitions(let transitions) = schedule, model.hasPreview else { return .sample }
        return model.schedules.first { $0.transitions == transitions }?.fidelity ?? .sample
    }

    /// Returns the fidelity to use: the one asked for, or the default. Throws if it needs layers that the model lacks.
    public func fidelity(_ requested: Fidelity?, for schedule: TimestepSchedule) throws(SRDiffError) -> Fidelity {
        guard let requested else { return defaultFidelity(for: schedule) }
        guard model.hasPreview || !requested.needsEncoderImage else { throw .noEncoderImage(path: path) }
        return requested
    }
}
