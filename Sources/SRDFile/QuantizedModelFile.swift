import SRDTensor
import SRDModel

/// An int8 model in a file; FORMAT.md says every key.
public struct QuantizedModelFile: Sendable {
    public static let format = "srdiff-int8", version = "1"

    /// Where a model came from, in words and hashes: nothing that differs from one run to the next.
    public struct Provenance: Equatable, Sendable {
        public let sourceSHA256: String
        public let calibration: String
        public let calibrationSHA256: String
        public let settings: String
        public let tool: String

        public init(
            sourceSHA256: String, calibration: String, calibrationSHA256: String, settings: String, tool: String
        ) {
            self.sourceSHA256 = sourceSHA256
            self.calibration = calibration
            self.calibrationSHA256 = calibrationSHA256
            self.settings = settings
            self.tool = tool
        }
    }

    public let model: Model
    public let provenance: Provenance

    public init(model: Model, provenance: Provenance) {
        self.model = model
        self.provenance = provenance
    }

    /// Throws `FileError` or `QuantizedModelError`.
    public init(path: String) throws {
        try self.init(MappedFile(path: path))
    }

    public init(_ file: MappedFile) throws(QuantizedModelError) {
        let safetensors = try Self.open(file)
        try self.init(safetensors)
    }

    public init(_ safetensors: Safetensors) throws(QuantizedModelError) {
        var reader = try QuantizedModelReader(safetensors)
        provenance = try reader.provenance()
        model = try reader.model()
    }

    /// Whether a file is a safetensors file whose metadata says that it is an int8 model. The rest is not looked at.
    public static func recognizes(_ file: MappedFile) -> Bool {
        (try? open(file)).map { recognizes($0) } ?? false
    }

    /// Whether the metadata says that the file is an int8 model. The rest is not looked at.
    public static func recognizes(_ safetensors: Safetensors) -> Bool { safetensors.metadata["format"] == format }

    private static func open(_ file: MappedFile) throws(QuantizedModelError) -> Safetensors {
        do throws(SafetensorsError) { return try Safetensors(file) } catch { throw .safetensors(error) }
    }
}

/// Names that reader and writer share.
enum QuantizedModelKeys {
    static let timesteps = "calibration.timesteps"
    /// Lengths, then the schedules one after another, then a loss for each.
    static let scheduleSteps = "schedules.steps", scheduleTimesteps = "schedules.timesteps"
    static let scheduleEta = "schedules.eta", scheduleFidelity = "schedules.fidelity",
        schedulePSNR = "schedules.psnr_gain", scheduleLPIPS = "schedules.lpips_ratio"
    static func names(_ graph: Graph) -> String { "activations.\(graph.role.rawValue)" }
    static func scale(_ graph: Graph) -> String { "activations.\(graph.role.rawValue).scale" }
    static func zeroPoint(_ graph: Graph) -> String { "activations.\(graph.role.rawValue).zero_point" }
    static func keepsFloat(_ graph: Graph) -> String { "activations.\(graph.role.rawValue).keeps_float" }

}

extension Graph {
    var convolutions: [Node] { nodes.filter(\.isConvolution) }

    /// The nodes whose output may be quantized: all except graph inputs and the network's results.
    var quantizable: [Node] {
        nodes.filter { $0.operation != .input && !results.contains($0.output) }
    }
}

extension Network {
    /// What is not a convolution's weight or bias: time embedding and attention.
    func floatParameters(withPreview: Bool) -> [Parameter] {
        let convolutions = Set(graphs(withPreview: withPreview).flatMap(\.convolutions).map(\.name))
        return samplingParameters.filter { parameter in
            !["weight", "bias"].contains {
                parameter.name.hasSuffix(".\($0)")
                    && convolutions.contains(String(parameter.name.dropLast($0.count + 1)))
            }
        }
    }
}
