import SRDFile
import SRDImage
import SRDModel
import SRDQuantizer
import SRDTensor

extension FuzzTarget {
    /// Valid inputs from which the search starts.
    ///
    /// - Parameter fixtures: the folder `Tests/Fixtures`.
    public func seeds(fixtures: String) throws -> [[UInt8]] {
        switch self {
        case .png: try Self.images().map { try $0.encoded(as: .png) }
        case .pnm: try Self.images().filter { !$0.hasAlpha }.map { try $0.encoded(as: .pnm) } + Self.pnmTexts
        case .jpeg: try Self.files(fixtures + "/images", suffix: ".jpg")
        case .webp: try Self.files(fixtures + "/images", suffix: ".webp") + Self.webPs()
        case .safetensors: Self.safetensors() + Self.oddSafetensors
        case .json: Self.headers
        case .int8: try Self.models()
        case .legacyPickle:
            try
                (Self.files(fixtures + "/checkpoints", suffix: ".pt", ".ckpt")
                + Self.files(fixtures + "/checkpoints/wrapped", suffix: ".ckpt")).filter { $0.first == 0x80 }
        case .torchZip: try Self.files(fixtures + "/checkpoints", suffix: ".pt", ".ckpt").filter { $0.first == 0x50 }
        case .zipPickle:
            try Self.files(fixtures + "/checkpoints", suffix: ".pt", ".ckpt").compactMap(ZipFile.pickle)
                + Self.files(fixtures + "/checkpoints/wrapped", suffix: ".pt", ".pth", ".ckpt").compactMap(
                    ZipFile.pickle)
                + [Self.pickle]
        case .recipe:
            [
                Array(
                    Recipe(for: RecipeCheck.network, hasPreview: true).text(for: RecipeCheck.network, hasPreview: true)
                        .utf8)
            ]
        }
    }

    private static func files(_ folder: String, suffix: String...) throws -> [[UInt8]] {
        var files: [[UInt8]] = []
        for name in FilePath.list(folder) ?? [] where suffix.contains(where: name.hasSuffix) {
            let file = try MappedFile(path: "\(folder)/\(name)")
            if file.count < 1 << 16 { files.append(file.withBytes { Array($0) }) }
        }
        return files
    }

    /// Weight normalization: two tensors in the storage "0" of `ZipFile`, which the fixtures' pickles do not fit.
    private static var pickle: [UInt8] {
        func string(_ text: String) -> [UInt8] { [0x58, UInt8(text.utf8.count), 0, 0, 0] + Array(text.utf8) }
        func global(_ text: String) -> [UInt8] { [0x63] + Array(text.utf8) }
        func integers(_ values: [UInt8]) -> [UInt8] { [0x28] + values.flatMap { [0x4b, $0] } + [0x74] }
        func tensor(_ name: String, shape: [UInt8], strides: [UInt8]) -> [UInt8] {
            let storage = [0x28] + string("storage") + global("torch\nFloatStorage\n") + string("0") + string("cpu")
            let head: [UInt8] = string(name) + global("torch._utils\n_rebuild_tensor_v2\n") + [0x28] + storage
            let whole: [UInt8] = [0x4d, 0, 4, 0x74, 0x51, 0x4b, 2]  // 1024 elements, offset 2
            return head + whole + integers(shape) + integers(strides) + [0x89, 0x7d, 0x74, 0x52]
        }
        let g = tensor("module.l.weight_g", shape: [2, 1], strides: [1, 1])
        let v = tensor("module.l.weight_v", shape: [2, 3], strides: [3, 1])
        return [0x80, 2, 0x7d, 0x28] + g + v + [0x75, 0x2e]
    }

    private static func images() throws -> [Image] {
        var random = SplitMix64(seed: 1), images: [Image] = []
        for channels in 1...4 {
            for bitDepth in [8, 16] {
                let top = UInt16(bitDepth == 8 ? 255 : 65535), count = 7 * 5 * channels
                let samples = (0..<count).map { _ in UInt16.random(in: 0...top, using: &random) }
                var image = Image(width: 7, height: 5, channels: channels, bitDepth: bitDepth, samples: samples)
                image.metadata.addText(keyword: "Comment", bitDepth == 8 ? "a text" : "Φ")
                image.metadata.pixelDensity = PixelDensity(x: 2835, y: 2835, isPerMetre: true)
                if channels == 3 { image.metadata.xmp = Array("<x:xmpmeta xmlns:x='adobe:ns:meta/'/>".utf8) }
                if channels == 4 { image.metadata.exif = exif }
                images.append(image)
            }
        }
        return images
    }

    /// Orientation 6, 72 pixels per inch, and a thumbnail's directory.
    private static var exif: [UInt8] {
        let head: [UInt8] = [0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 3]
        let orientation: [UInt8] = [0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0]
        let x: [UInt8] = [0x01, 0x1a, 0, 5, 0, 0, 0, 1, 0, 0, 0, 50]
        let y: [UInt8] = [0x01, 0x1b, 0, 5, 0, 0, 0, 1, 0, 0, 0, 50]
        let link: [UInt8] = [0, 0, 0, 58], density: [UInt8] = [0, 0, 0, 72, 0, 0, 0, 1]
        let thumbnail: [UInt8] = [0, 1, 0x02, 0x01, 0, 4, 0, 0, 0, 1, 0, 0, 0, 70, 0, 0, 0, 0]
        return head + orientation + x + y + link + density + thumbnail
    }

    private static func webPs() throws -> [[UInt8]] {
        guard ImageFormat.webP.isAvailable else { return [] }
        let options = EncodingOptions(isLossless: true)
        return try images().map { try $0.encoded(as: .webP, options: options) }
    }

    private static let pnmTexts: [[UInt8]] = [
        "P1\n# a comment\n4 2\n1 0 1 0\n0101\n", "P2 3 2 17 0 1 2 3 4 17\n", "P3\n1 1\n255\n1 2 3\n",
        "P4\n9 1\n\u{1}\u{1}",
        "P7\nWIDTH 2\nHEIGHT 1\nDEPTH 2\nMAXVAL 255\nTUPLTYPE GRAYSCALE_ALPHA\nENDHDR\nabcd", "P5 1 1 300 ab",
    ].map { Array($0.utf8) }

    private static func safetensors() -> [[UInt8]] {
        let tensor = FloatTensor(shape: [2, 3], values: [0, 1, -1, .nan, .infinity, 0.5])
        let tensors = [
            SafetensorsTensor("a", tensor), SafetensorsTensor(halves: "b", tensor),
            SafetensorsTensor("c", shape: [3], [1, 2, 3] as [Int8]),
            SafetensorsTensor("d\"\n", shape: [0], [] as [Int32]),
        ]
        let pair = [
            SafetensorsTensor("l.weight_g", FloatTensor(shape: [2, 1], values: [1, 2])),
            SafetensorsTensor("l.weight_v", FloatTensor(shape: [2, 2], values: [1, 2, 3, 4])),
        ]
        return [
            Array(Safetensors.encode(tensors, metadata: ["format": "pt", "é": "\u{1}"]).joined()),
            Array(Safetensors.encode(pair).joined()), Array(Safetensors.encode([]).joined()),
        ]
    }

    private static let headerTexts = [
        #"{"__metadata__":{"a":"\u00e9\ud83d\ude00"},"x":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}"#,
        #"{"x":{"data_offsets":[0,0],"shape":[0,4611686018427387904],"dtype":"F64"}}"#,
        #"{"x":{"data_offsets":[0,0],"shape":[4611686018427387904,0],"dtype":"F64"}}"#,
        #"{"\u005f_metadata__":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#,
        #"{"a":{"dtype":"U8","shape":[],"data_offsets":[0,1]},"#
            + #""b":{"dtype":"BOOL","shape":[2,1],"data_offsets":[1,3]}}"#,
        #"{"metadata":{"total_size":8},"weight_map":{"a":"model-1.safetensors","b":"model-2.safetensors"}}"#,
        #"{"weight_map":{},"more":[1,-2.5e3,null,true,{"a":[]},[[]],"\\"]}"#,
    ]

    private static var headers: [[UInt8]] {
        zip(headerTexts, [8, 0, 0, 1, 3, 0, 0]).map { text, count in [UInt8(count), 0] + Array(text.utf8) }
    }

    private static var oddSafetensors: [[UInt8]] {
        zip(headerTexts, [8, 0, 0, 1, 3]).map { text, count in
            let length = withUnsafeBytes(of: UInt64(text.utf8.count).littleEndian) { Array($0) }
            return length + Array(text.utf8) + [UInt8](repeating: 7, count: count)
        }
    }

    /// Small int8 models of random weights, one with everything that a file can hold.
    private static func models() throws -> [[UInt8]] {
        let plain = Configuration(
            hiddenSize: 4, multipliers: [1, 2], encoderBlocks: 2, encoderFeatures: 4, scale: 2, timesteps: 5)
        let full = Configuration(
            hiddenSize: 4, multipliers: [1, 2], encoderBlocks: 2, encoderFeatures: 4, scale: 4, hasAttention: true,
            hasUpsampledInput: true, timesteps: 8)
        return try [plain, full].map { configuration in
            var random = SplitMix64(seed: 1), settings = QuantizerSettings()
            settings.steps = 2
            let model = try Model(tensors: Model.randomTensors(configuration, using: &random))
            let samples = (0..<8 * 8 * 3).map { _ in UInt16.random(in: 0...255, using: &random) }
            let image = Image(width: 8, height: 8, channels: 3, bitDepth: 8, samples: samples)
            let images = CalibrationSet(lowResolution: [image], side: 8, seed: 1, description: "noise")
            let recipe = Recipe(for: model.network, hasPreview: model.hasPreview)
            var quantized = try Quantizer(model, settings: settings)
                .quantize(recipe, Statistics(of: model, on: images, settings: settings))
            if configuration.hasAttention {
                quantized.schedules = [
                    SearchedTimestepSchedule(
                        transitions: [.init(timestep: 6, eta: 0.5), .init(timestep: 2, eta: 0)], psnrGain: 0.1,
                        lpipsRatio: 1)
                ]
            }
            let hash = String(repeating: "0", count: 64)
            return Array(
                QuantizedModelFile(
                    model: quantized,
                    provenance: .init(
                        sourceSHA256: hash, calibration: "noise", calibrationSHA256: hash, settings: "", tool: "a test"
                    )
                ).encoded().joined())
        }
    }
}
