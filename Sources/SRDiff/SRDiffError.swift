import SRDFile

/// What goes wrong between a caller's request and a result, beyond the errors of files and images.
public enum SRDiffError: Error, CustomStringConvertible, Sendable {
    /// A model file cannot be used; `reason` is the library's own error.
    case badModel(path: String, reason: any Error)
    /// An int8 model where a float one is required.
    case notFloat(path: String)
    case noModel(searched: [String])
    case unknownInstructionSet(name: String, available: [InstructionSet])
    /// The schedule does not fit the model.
    case badSchedule(path: String, TimestepScheduleError)
    /// The model has no searched schedules.
    case noSearchedSchedules(path: String)
    /// The model lacks the layers of the encoder's image.
    case noEncoderImage(path: String)
    /// `needed` and `available` are bytes; `limit` says what limits the memory.
    case exceedsMemory(subject: String, needed: Int, available: Int, limit: String)
    case badThreadCount(Int)
    /// Rows that the result does not have.
    case badRows(found: Range<Int>, height: Int)
    /// The model has attention, which reads the whole image, so that no part of a result can be computed alone.
    case needsWholeImage(path: String)
    /// The network puts out NaN or infinity; the layer is nil if it could not be found.
    case notFinite(path: String, layer: NonFiniteLayer?)

    public var description: String {
        switch self {
        case .badModel(let path, let reason): "\(path): \(reason)"
        case .notFloat(let path): "\(path): an int8 model (expected a float model)"
        case .noModel(let searched):
            "no model: name one with --model or SRDIFF_MODEL; looked for \(searched.joined(separator: " and "))"
        case .unknownInstructionSet(let name, let available):
            """
            there is no instruction set \(name) (this machine has \(available.map(\.rawValue).joined(separator: ", ")))
            """
        case .badSchedule(let path, let error): "\(path): \(error)"
        case .noSearchedSchedules(let path):
            "\(path): this model has no searched schedules; srdiff-quantize --search-steps makes them"
        case .noEncoderImage(let path): "\(path): this model has no layers for the encoder's image"
        case .exceedsMemory(let subject, let needed, let available, let limit):
            """
            \(subject) requires about \(ByteCount.text(needed)) of memory, and \(ByteCount.text(available)) are \
            \(limit): use a smaller image, or --force where there is such an option
            """
        case .notFinite(let path, let layer):
            if let layer {
                """
                \(path): layer `\(layer.name)` puts out numbers that are not finite\
                \(layer.timestep.map { " at timestep \($0)" } ?? " while the image is encoded"). Use another model.
                """
            } else {
                "\(path): the network puts out numbers that are not finite. Use another model."
            }
        case .badRows(let found, let height):
            "rows \(found.lowerBound):\(found.upperBound) (expected rows within 0:\(height), at least one)"
        case .needsWholeImage(let path):
            """
            \(path): this model has attention, which reads the whole image, so rows cannot be \
            computed alone. Use another model.
            """
        case .badThreadCount(let count):
            "\(count) threads (expected \(Upscaler.threadCounts.lowerBound) to \(Upscaler.threadCounts.upperBound))"
        }
    }
}

/// Sizes as people read them.
public enum ByteCount {
    /// Returns a size such as `850 B`, `12.3 KiB` or `4.56 MiB`: three digits from a kibibyte on.
    public static func text(_ count: Int) -> String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        var value = Double(count), unit = 0
        while value >= 1024 && unit + 1 < units.count {
            value /= 1024
            unit += 1
        }
        guard unit > 0 else { return "\(count) B" }
        let decimals = value < 10 ? 2 : value < 100 ? 1 : 0
        var power = 1
        for _ in 0..<decimals { power *= 10 }
        let scaled = Int((value * Double(power)).rounded())
        let fraction =
            decimals == 0
            ? "" : "." + String(repeating: "0", count: decimals - "\(scaled % power)".count) + "\(scaled % power)"
        return "\(scaled / power)\(fraction) \(units[unit])"
    }
}
