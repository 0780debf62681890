/// The hyperparameters of a network, which follow from a checkpoint's tensor names and shapes.
public struct Configuration: Hashable, Sendable {
    /// Channels of the noise predictor's first level (`hidden_size`).
    public var hiddenSize: Int
    /// Channels of each level, in units of `hiddenSize` (`unet_dim_mults`).
    public var multipliers: [Int]
    /// The encoder's RRDB blocks.
    public var encoderBlocks: Int
    /// The channels between the encoder's blocks.
    public var encoderFeatures: Int
    /// Upscaling factor along each axis: 2, 4 or 8.
    public var scale: Int
    /// Whether there is linear attention at the deepest level (`mid_attn`).
    public var hasAttention: Bool
    /// Whether the bicubic upsample conditions the noise predictor as well (`up_proj`, "up_input").
    public var hasUpsampledInput: Bool
    /// The number of diffusion timesteps that the model was trained with. Timesteps are 0 ..< timesteps.
    public var timesteps: Int

    public init(
        hiddenSize: Int, multipliers: [Int], encoderBlocks: Int, encoderFeatures: Int, scale: Int,
        hasAttention: Bool = false, hasUpsampledInput: Bool = false, timesteps: Int = 100
    ) {
        self.hiddenSize = hiddenSize
        self.multipliers = multipliers
        self.encoderBlocks = encoderBlocks
        self.encoderFeatures = encoderFeatures
        self.scale = scale
        self.hasAttention = hasAttention
        self.hasUpsampledInput = hasUpsampledInput
        self.timesteps = timesteps
    }

    public var levels: Int { multipliers.count }
    /// The channels of each level.
    public var channels: [Int] { multipliers.map { $0 * hiddenSize } }
    /// The sides of the upscaled image must be multiples of this, because the noise predictor halves it `levels − 1`
    /// times.
    public var sizeMultiple: Int { 1 << (levels - 1) }
    /// The encoder blocks whose outputs condition the noise predictor: every third, from the third on.
    public var conditioningBlocks: [Int] { Array(stride(from: 2, through: encoderBlocks, by: 3)) }

    /// The factor by which the published models multiply the residual before diffusing it (`res_rescale`). No tensor
    /// contains it.
    public static let residualGain: Float = 2
    public static let attentionHeads = 4
    public static let attentionHeadChannels = 32
}

extension Configuration {
    /// The largest sizes that are accepted from a file.
    private static let largestWidth = 4096, mostBlocks = 256, mostLevels = 8, mostTimesteps = 100_000

    /// Infers the configuration from tensor names and shapes (row-major, as PyTorch prints them).
    ///
    /// Only the tensors that determine a size are checked here. `Model.init(tensors:)` checks all of them.
    public init(shapes: [String: [Int]]) throws(ModelError) {
        func shape(_ name: String, rank: Int) throws(ModelError) -> [Int] {
            guard let found = shapes[name] else { throw .missing(name: name, expected: nil) }
            guard found.count == rank, found.allSatisfy({ (1...(1 << 24)).contains($0) }) else {
                throw .misshapen(name: name, found: found, expected: [Int](repeating: -1, count: rank))
            }
            return found
        }
        func count(_ name: (Int) -> String) -> Int {
            var n = 0
            while shapes[name(n)] != nil { n += 1 }
            return n
        }
        func check(_ ok: Bool, _ what: String) throws(ModelError) {
            guard ok else { throw .unsupported(what) }
        }
        let hidden = try shape("denoise_fn.mlp.2.bias", rank: 1)[0]
        try check(
            hidden >= 4 && hidden % 2 == 0 && hidden <= Self.largestWidth,
            "hidden size \(hidden); expected an even number from 4 to \(Self.largestWidth)")

        let levels = count { "denoise_fn.downs.\($0).0.block1.block.1.weight" }
        try check(
            (1...Self.mostLevels).contains(levels),
            "\(levels) levels `denoise_fn.downs.N`; expected 1 to \(Self.mostLevels)")
        var multipliers: [Int] = []
        for level in 0..<levels {
            let name = "denoise_fn.downs.\(level).0.block1.block.1.weight"
            let channels = try shape(name, rank: 4)[0]
            try check(
                channels % hidden == 0 && channels <= Self.largestWidth,
                """
                `\(name)` has \(channels) output channels; expected a multiple of the hidden size \
                \(hidden), at most \(Self.largestWidth)
                """
            )
            multipliers.append(channels / hidden)
        }

        let features = try shape("rrdb.conv_first.weight", rank: 4)[0]
        try check(
            features >= 2 && features % 2 == 0 && features <= Self.largestWidth,
            "\(features) encoder features; expected an even number from 2 to \(Self.largestWidth)")
        let blocks = count { "rrdb.RRDB_trunk.\($0).RDB1.conv1.weight" }
        try check((2...Self.mostBlocks).contains(blocks), "\(blocks) encoder blocks; expected 2 to \(Self.mostBlocks)")

        let kernel = try shape("denoise_fn.cond_proj.weight", rank: 4)[2]
        try check(
            [4, 8, 16].contains(kernel),
            "`denoise_fn.cond_proj.weight` has a kernel of \(kernel); expected 4, 8 or 16 for a scale of 2, 4 or 8")

        let timesteps = try shape("betas", rank: 1)[0]
        try check(timesteps <= Self.mostTimesteps, "\(timesteps) timesteps; expected at most \(Self.mostTimesteps)")

        self.init(
            hiddenSize: hidden, multipliers: multipliers, encoderBlocks: blocks, encoderFeatures: features,
            scale: kernel / 2, hasAttention: shapes["denoise_fn.mid_attn.fn.fn.to_qkv.weight"] != nil,
            hasUpsampledInput: shapes["denoise_fn.up_proj.1.weight"] != nil, timesteps: timesteps
        )
    }
}

extension Configuration {
    /// Returns the smallest low-resolution size, at least the given one, whose upsample the network can halve down to
    /// the deepest level with two pixels left there: reflection requires a neighbour.
    public func paddedSize(width: Int, height: Int) -> (width: Int, height: Int) {
        func padded(_ side: Int) -> Int {
            let step = max(1, sizeMultiple / scale)
            let least = max(side, (2 * sizeMultiple + scale - 1) / scale)
            return (least + step - 1) / step * step
        }
        return (padded(width), padded(height))
    }
}

/// Why a set of tensors is not an SRDiff model.
public enum ModelError: Error, Equatable, CustomStringConvertible {
    /// A required tensor is missing. `expected` is nil if the shape depends on that tensor.
    case missing(name: String, expected: [Int]?)
    /// A tensor has the wrong shape. −1 in `expected` stands for any positive size.
    case misshapen(name: String, found: [Int], expected: [Int])
    case notFinite(name: String)
    case unsupported(String)

    public var description: String {
        func text(_ shape: [Int]) -> String {
            "[" + shape.map { $0 < 0 ? "?" : String($0) }.joined(separator: ", ") + "]"
        }
        switch self {
        case .missing(let name, nil): return "tensor `\(name)` is missing: this is not an SRDiff checkpoint"
        case .missing(let name, let expected?): return "tensor `\(name)` is missing; expected shape \(text(expected))"
        case .misshapen(let name, let found, let expected):
            return "tensor `\(name)` has shape \(text(found)); expected \(text(expected))"
        case .notFinite(let name): return "tensor `\(name)` holds a value that is not a finite number"
        case .unsupported(let what): return what
        }
    }
}
