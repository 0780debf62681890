import SRDCheckpoint
import SRDFile
import SRDImage
import SRDModel
import SRDRuntime

enum ModelCheck {
    /// Weights of models that are executed. Larger ones would make the search slow.
    private static let mostParameters = 1 << 16

    static func checkpoint(_ bytes: some Collection<UInt8>) throws(Violation) -> Bool {
        let file = try MappedFile(bytes)
        guard let loaded = try Violation.attempt({ try Checkpoint(file) }) else { return false }
        for warning in loaded.warnings { try Violation.check(message: warning) }
        try Violation.check(message: loaded.location)
        _ = try Violation.attempt { try loaded.model() }
        let first = saved(loaded), again = try load(first)
        try Violation.check(again.tensors.count == loaded.tensors.count, "saved, the number of tensors differs")
        try Violation.check(saved(again) == first, "saved twice, the checkpoints differ")
        return true
    }

    private static func load(_ bytes: [UInt8]) throws(Violation) -> Checkpoint {
        let file = try MappedFile(bytes)
        return try Violation.require("a saved checkpoint cannot be loaded") { try Checkpoint(file) }
    }

    private static func saved(_ checkpoint: Checkpoint) -> [UInt8] {
        let tensors = checkpoint.tensors.map { SafetensorsTensor($0.key, $0.value) }
        return Array(Safetensors.encode(tensors).joined())
    }

    static func int8(_ bytes: UnsafeRawBufferPointer) throws(Violation) -> Bool {
        let file = try MappedFile(bytes)
        guard let loaded = try Violation.attempt({ try QuantizedModelFile(file) }) else { return false }
        let first = Array(loaded.encoded().joined()), copy = try MappedFile(first)
        let again = try Violation.require("a saved model cannot be loaded") { try QuantizedModelFile(copy) }
        try Violation.check(Array(again.encoded().joined()) == first, "saved twice, the models differ")
        if loaded.model.parameterCount <= mostParameters { try execute(loaded.model) }
        return true
    }

    /// Runs the first searched schedule, or a step of DDPM, on every instruction set that this machine has.
    private static func execute(_ model: Model) throws(Violation) {
        let image = Image(
            width: 3, height: 2, channels: 3, bitDepth: 8, samples: (0..<18).map { UInt16($0 * 61 % 256) })
        let transitions = model.schedules.first { $0.transitions.count <= 4 }?.transitions
        let schedule: TimestepSchedule = transitions.map { .transitions($0) } ?? .ancestral(steps: 1)
        guard try Violation.attempt({ try schedule.check(timesteps: model.schedule.timesteps) }) != nil else { return }
        let settings = SamplingSettings(
            schedule: schedule, seed: 1, fidelity: model.hasPreview ? Fidelity(0.5) ?? .sample : .sample)
        var expected: [UInt16]?
        for set in InstructionSet.available {
            let pipeline = Pipeline(Executor(model, threads: 1, instructionSet: set))
            let prepared = pipeline.prepare(image, fidelity: settings.fidelity)
            guard let result = try Violation.attempt({ try pipeline.upscale(prepared, settings: settings) }) else {
                continue
            }
            try Violation.check(
                result.width == 3 * model.configuration.scale, "the result is \(result.width) pixels wide")
            try Violation.check(expected == nil || expected == result.samples, "\(set.rawValue) gives other pixels")
            expected = result.samples
        }
    }
}
