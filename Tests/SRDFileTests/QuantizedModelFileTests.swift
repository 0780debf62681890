import SRDFile
import SRDTensor
import SRDModel
import TestSupport
import Testing

private let provenance = QuantizedModelFile.Provenance(
    sourceSHA256: String(repeating: "a1", count: 32), calibration: "two images of noise",
    calibrationSHA256: String(repeating: "0f", count: 32), settings: "as usual", tool: "a test")

/// An int8 model's file taken apart, to be damaged and put together again.
private struct Parts {
    var tensors: [SafetensorsTensor]
    var metadata: [String: String]

    init(_ bytes: [UInt8]) throws {
        let file = try Safetensors(MappedFile(copying: bytes, path: "test"))
        metadata = file.metadata
        tensors = try file.entries.map { entry in
            SafetensorsTensor(
                entry.name, entry.type, shape: entry.shape, bytes: try file.withBytes(of: entry) { Array($0) })
        }
    }

    var bytes: [UInt8] { Safetensors.encode(tensors, metadata: metadata).flatMap { $0 } }

    /// What reading says; nil if nothing.
    var error: String? {
        do { _ = try QuantizedModelFile(MappedFile(copying: bytes, path: "test")) } catch { return "\(error)" }
        return nil
    }

    mutating func change(_ name: String, _ body: (SafetensorsTensor) -> SafetensorsTensor?) {
        let i = tensors.firstIndex { $0.name == name }!
        if let tensor = body(tensors[i]) { tensors[i] = tensor } else { tensors.remove(at: i) }
    }

    mutating func setFloat(_ name: String, _ index: Int, _ value: Float) {
        change(name) { tensor in
            var bytes = tensor.bytes
            withUnsafeBytes(of: value.bitPattern.littleEndian) {
                bytes.replaceSubrange(4 * index..<4 * index + 4, with: $0)
            }
            return SafetensorsTensor(name, tensor.type, shape: tensor.shape, bytes: bytes)
        }
    }

    mutating func setByte(_ name: String, _ index: Int, _ value: UInt8) {
        change(name) { tensor in
            var bytes = tensor.bytes
            bytes[index] = value
            return SafetensorsTensor(name, tensor.type, shape: tensor.shape, bytes: bytes)
        }
    }
}

@Suite("The int8 model file")
struct QuantizedModelFileTests {
    static let configurations = [
        TinyModel.configuration,
        Configuration(
            hiddenSize: 8, multipliers: [1, 2], encoderBlocks: 2, encoderFeatures: 4, scale: 8, hasAttention: true,
            hasUpsampledInput: true, timesteps: 20),
    ]
    private static let layer = "denoise_fn.downs.0.0.block2.block.1"
    private static let scales = "activations.noisePredictor.scale", zeroPoints = "activations.noisePredictor.zero_point"

    private static let schedules = [
        SearchedTimestepSchedule(
            transitions: [TimestepTransition(timestep: 17)], psnrGain: -0.5, lpipsRatio: 1.5,
            fidelity: Fidelity(0.43)!),
        SearchedTimestepSchedule(
            transitions: [
                TimestepTransition(timestep: 19, eta: 1), TimestepTransition(timestep: 8, eta: 0.625),
                TimestepTransition(timestep: 0),
            ], psnrGain: 0.25, lpipsRatio: 0.75),
    ]

    private func bytes(_ configuration: Configuration = TinyModel.configuration) throws -> [UInt8] {
        var model = try TinyQuantizer.quantize(try TinyModel.model(configuration))
        model.schedules = Self.schedules
        return QuantizedModelFile(model: model, provenance: provenance).encoded().flatMap { $0 }
    }

    private func parts() throws -> Parts { try Parts(try bytes()) }

    @Test("what is written is read, and written again gives the same bytes", arguments: configurations)
    func roundTrip(_ configuration: Configuration) throws {
        var model = try TinyQuantizer.quantize(try TinyModel.model(configuration))
        let plain = QuantizedModelFile(model: model, provenance: provenance).encoded().flatMap { $0 }
        #expect(try QuantizedModelFile(MappedFile(copying: plain, path: "test")).model.schedules.isEmpty)
        model.schedules = Self.schedules
        try withTemporaryFolder { folder in
            let file = QuantizedModelFile(model: model, provenance: provenance), path = folder + "/m.safetensors"
            try file.write(to: path)
            let read = try QuantizedModelFile(path: path)
            #expect(read.provenance == provenance)
            #expect(read.model.layers == model.layers)
            #expect(read.model.activations == model.activations)
            #expect(read.model.calibratedTimesteps == model.calibratedTimesteps)
            #expect(read.model.schedules == model.schedules)
            #expect(read.model.parameters == model.parameters)
            #expect(read.model.configuration == configuration)
            #expect(read.model.hasPreview == model.hasPreview)
            #expect(read.encoded() == file.encoded())
        }
    }

    @Test("a checkpoint is not taken for one")
    func recognized() throws {
        let own = try MappedFile(copying: try bytes(), path: "test")
        #expect(QuantizedModelFile.recognizes(own))
        let float = Safetensors.encode(TinyModel.tensors().map { SafetensorsTensor($0.key, $0.value) }).flatMap { $0 }
        let checkpoint = try MappedFile(copying: float, path: "test")
        #expect(!QuantizedModelFile.recognizes(checkpoint))
        #expect(throws: QuantizedModelError.notQuantized(format: nil)) {
            _ = try QuantizedModelFile(checkpoint)
        }
    }

    @Test("every missing tensor is named")
    func missing() throws {
        let whole = try parts()
        // Files from before there was a fidelity lack it.
        for tensor in whole.tensors where tensor.name != "schedules.fidelity" {
            var damaged = whole
            damaged.change(tensor.name) { _ in nil }
            let error = try #require(damaged.error, "\(tensor.name) is not missed")
            // Without one of its weights a model has another configuration, which misses others.
            let isNamed = error.contains(tensor.name) || tensor.name.hasSuffix(".weight") && error.contains("expected")
            #expect(isNamed, "\(tensor.name): \(error)")
        }
    }

    @Test("every tensor of another shape or type is an error", arguments: [0, 1])
    func misshapen(_ kind: Int) throws {
        let whole = try parts()
        for tensor in whole.tensors {
            var damaged = whole
            damaged.change(tensor.name) { tensor in
                kind == 0
                    ? SafetensorsTensor(
                        tensor.name, .u8, shape: [tensor.bytes.count + 3], bytes: tensor.bytes + [0, 0, 0])
                    : SafetensorsTensor(tensor.name, .u8, shape: tensor.shape + [tensor.type.size], bytes: tensor.bytes)
            }
            #expect(damaged.error != nil, "\(tensor.name)")
        }
    }

    @Test("every missing piece of metadata is named")
    func missingMetadata() throws {
        let whole = try parts()
        for key in whole.metadata.keys {
            var damaged = whole
            damaged.metadata[key] = nil
            let error = try #require(damaged.error, "\(key)")
            #expect(error.contains("`\(key)`"))
        }
    }

    @Test("scales that are no scales", arguments: [Float.nan, 0, -1, .infinity, 0x1p-140, 1e38])
    func badScales(_ scale: Float) throws {
        for key in [Self.scales, "\(Self.layer).weight_scale"] {
            var damaged = try parts()
            damaged.setFloat(key, 3, scale)
            let error = try #require(damaged.error)
            #expect(error.contains("element 3 of tensor `\(key)`"))
        }
    }

    @Test("weights, biases and schedules that are no numbers", arguments: [Float.nan, .infinity])
    func notFinite(_ value: Float) throws {
        for key in ["\(Self.layer).bias", "denoise_fn.final_conv.1.weight", "denoise_fn.mlp.0.weight", "betas"] {
            var damaged = try parts()
            damaged.setFloat(key, 1, value)
            let error = try #require(damaged.error)
            #expect(error.contains(key))
        }
    }

    @Test("quantized values and flags outside their range")
    func badValues() throws {
        var damaged = try parts()
        damaged.setByte("\(Self.layer).weight", 5, 0x80)
        #expect(damaged.error?.contains("element 5 of tensor `\(Self.layer).weight` is -128") == true)
        damaged = try parts()
        damaged.setByte("activations.noisePredictor.keeps_float", 0, 2)
        #expect(damaged.error?.contains("element 0 of tensor `activations.noisePredictor.keeps_float` is 2") == true)
    }

    @Test("timesteps out of order or out of range")
    func badTimesteps() throws {
        for (index, byte) in [(0, UInt8(19)), (8, 20), (8, 0)] {
            var damaged = try parts()
            damaged.setByte("calibration.timesteps", index, byte)
            #expect(damaged.error?.contains("calibration.timesteps") == true)
        }
    }

    @Test("schedules whose steps, timesteps, noise or quality cannot be")
    func badSchedules() throws {
        // steps 1, 3; timesteps 17 | 19, 8, 0; each 4 bytes
        for (key, index, byte) in [
            ("steps", 0, UInt8(0)), ("steps", 0, 3), ("steps", 4, 21), ("steps", 4, 2), ("steps", 7, 0x80),
            ("timesteps", 0, 20),
            ("timesteps", 8, 19), ("timesteps", 12, 8), ("timesteps", 15, 0x80), ("eta", 7, 0xbf), ("eta", 7, 0x40),
            ("lpips_ratio", 3, 0xbf),
        ] {
            var damaged = try parts()
            damaged.setByte("schedules.\(key)", index, byte)
            let error = damaged.error
            #expect(error?.contains("schedules.") == true, "\(key) \(index): \(error ?? "read")")
        }
        for key in ["eta", "psnr_gain", "lpips_ratio"] {
            for value in [Float.nan, .infinity] {
                var damaged = try parts()
                damaged.setFloat("schedules.\(key)", 1, value)
                #expect(damaged.error?.contains("schedules.\(key)") == true)
            }
        }
        for key in ["steps", "timesteps", "eta", "psnr_gain", "lpips_ratio"] {
            var damaged = try parts()
            damaged.change("schedules.\(key)") { _ in nil }
            #expect(damaged.error?.contains("schedules.\(key)") == true)
            damaged = try parts()
            damaged.change("schedules.\(key)") { tensor in
                SafetensorsTensor(tensor.name, tensor.type, shape: [1] + tensor.shape, bytes: tensor.bytes)
            }
            #expect(damaged.error?.contains("schedules.\(key)") == true)
        }
    }

    @Test("names of values that there are not, or twice, or an int8 layer's input missing")
    func badNames() throws {
        let key = "activations.noisePredictor", whole = try parts()
        let names = whole.metadata[key]!.split(separator: " ").map(String.init)
        for changed in [["nobody"] + names.dropFirst(), [names[1]] + names.dropFirst()] {
            var damaged = whole
            damaged.metadata[key] = changed.joined(separator: " ")
            #expect(damaged.error?.contains("`\(key)`") == true)
        }
        // One name and one row less.
        var damaged = whole
        damaged.metadata[key] = names.dropLast().joined(separator: " ")
        for name in [Self.scales, Self.zeroPoints, "activations.noisePredictor.keeps_float"] {
            damaged.change(name) { tensor in
                let row = tensor.bytes.count / tensor.shape[0]
                return SafetensorsTensor(
                    name, tensor.type, shape: [tensor.shape[0] - 1] + tensor.shape.dropFirst(),
                    bytes: tensor.bytes.dropLast(row))
            }
        }
        #expect(damaged.error?.contains("its input `\(names.last!)` has no scale") == true)
    }

    @Test("a tensor that does not belong there, another version")
    func unknown() throws {
        var damaged = try parts()
        damaged.tensors.append(SafetensorsTensor("more", .u8, shape: [1], bytes: [0]))
        #expect(damaged.error == "tensor `more` does not belong in an int8 model of this version")
        damaged = try parts()
        damaged.metadata["format_version"] = "2"
        #expect(damaged.error?.contains("`format_version` is \"2\"") == true)
        damaged = try parts()
        damaged.metadata["source_sha256"] = "abc"
        #expect(damaged.error?.contains("`source_sha256`") == true)
    }

    @Test("cut off anywhere, it is an error")
    func truncated() throws {
        let whole = try bytes()
        var random = SeededRandom(seed: SeededRandom.seed)
        let cuts =
            [0, 7, 8, 9, whole.count - 1] + (0..<40).map { _ in Int.random(in: 0..<whole.count, using: &random) }
        for cut in cuts {
            #expect(throws: (any Error).self, "\(cut) of \(whole.count) bytes") {
                _ = try QuantizedModelFile(try MappedFile(copying: Array(whole[..<cut]), path: "test"))
            }
        }
    }

    /// Most flips make the header unreadable or wrong; some change a name or a number to another that is allowed. None
    /// may crash, and what is read must be of the size it says.
    @Test("flipped header bits never crash")
    func flipped() throws {
        let whole = try bytes(), headerEnd = 8 + whole[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
        var random = SeededRandom(seed: SeededRandom.seed), errors = 0
        for _ in 0..<400 {
            var damaged = whole
            damaged[Int.random(in: 0..<headerEnd, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            do { _ = try QuantizedModelFile(MappedFile(copying: damaged, path: "test")) } catch { errors += 1 }
        }
        #expect(errors > 300)
    }
}
