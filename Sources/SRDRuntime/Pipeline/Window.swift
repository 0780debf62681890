import SRDImage
import SRDModel

/// A rectangle of a result, in its pixels.
public struct ResultRegion: Hashable, Sendable {
    public let columns, rows: Range<Int>

    public init(columns: Range<Int>, rows: Range<Int>) {
        self.columns = columns
        self.rows = rows
    }
}

/// What is computed of an image to get a region of its result, in pixels of the padded low-resolution image.
///
/// Noise belongs to the pixel and every layer but attention is local, so a region depends on a halo around it only: the
/// receptive field of each step, of the conditioner and of the encoder. The halo is derived from the graphs. Both parts
/// are aligned to the network's size multiple, so that pixels are downsampled as in the whole image. Values at an edge
/// of a part that is no edge of the image are wrong, and no pixel of the region depends on them.
package struct Window: Hashable, Sendable {
    package let region: ResultRegion
    /// For which the conditioner, the noise predictor and the encoder's image are computed.
    package let sampled: MapPart
    /// What the encoder reads: `sampled` and the encoder's receptive field.
    package let encoded: MapPart

    /// - Parameters:
    ///   - region: not empty, within the result.
    ///   - width, height: of the low-resolution image.
    ///   - steps: of the sampler; 0 for the encoder's image alone.
    ///   - fidelity: of the sample.
    package init(_ region: ResultRegion, of network: Network, width: Int, height: Int, steps: Int, fidelity: Fidelity) {
        let size = network.configuration.paddedSize(width: width, height: height)
        let field = ReceptiveField(
            network, steps: steps, radius: fidelity.radius, readsEncoderImage: steps == 0 || fidelity.needsEncoderImage)
        let columns = field.parts(for: region.columns, of: size.width),
            rows = field.parts(for: region.rows, of: size.height)
        self.region = region
        sampled = MapPart(columns: columns.sampled, rows: rows.sampled)
        encoded = MapPart(columns: columns.encoded, rows: rows.encoded)
    }

    /// The whole image.
    init(wholeOf image: Image, _ configuration: Configuration) {
        let size = configuration.paddedSize(width: image.width, height: image.height), scale = configuration.scale
        region = ResultRegion(columns: 0..<image.width * scale, rows: 0..<image.height * scale)
        sampled = MapPart(columns: 0..<size.width, rows: 0..<size.height)
        encoded = sampled
    }

    /// The sampled part within the encoded one.
    var kept: MapPart {
        MapPart(
            columns: sampled.columns.shifted(by: -encoded.columns.lowerBound),
            rows: sampled.rows.shifted(by: -encoded.rows.lowerBound))
    }

    /// The region within the sampled part, in pixels of the result.
    func local(scale: Int) -> ResultRegion {
        ResultRegion(
            columns: region.columns.shifted(by: -sampled.columns.lowerBound * scale),
            rows: region.rows.shifted(by: -sampled.rows.lowerBound * scale))
    }
}

/// What pixels of a result depend on, along one axis. Kernels are square, so both axes are alike.
private struct ReceptiveField {
    private let network: Network
    private let steps, radius: Int
    private let readsEncoderImage: Bool

    private var configuration: Configuration { network.configuration }
    private var scale: Int { configuration.scale }

    init(_ network: Network, steps: Int, radius: Int, readsEncoderImage: Bool) {
        self.network = network
        self.steps = steps
        self.radius = radius
        self.readsEncoderImage = readsEncoderImage
    }

    /// - Parameters:
    ///   - pixels: of the result.
    ///   - low: the padded length of the low-resolution image.
    func parts(for pixels: Range<Int>, of low: Int) -> (sampled: Range<Int>, encoded: Range<Int>) {
        let length = low * scale
        let sample = max(0, pixels.lowerBound - radius)..<min(length, pixels.upperBound + radius)
        var sampled = bicubicInput(sample), x = sample, condition = sample
        for _ in 0..<steps {
            let inputs = network.noisePredictor.inputRows(for: [x], height: length)
            x = x.union(inputs[0])
            condition = condition.union(inputs[1])
        }
        if steps > 0 {
            sampled = sampled.union(x.lowerBound / scale..<(x.upperBound + scale - 1) / scale)
            let maps = network.conditioner.inputRows(for: [condition], height: length)
            for (value, rows) in zip(network.conditioner.inputs, maps) {
                sampled = sampled.union(value.shape.reduction == 1 ? bicubicInput(rows) : rows)
            }
        }
        if readsEncoderImage { sampled = sampled.union(network.preview.inputRows(for: [sample], height: length)[0]) }
        sampled = aligned(sampled, of: low)
        let outputs = network.encoder.outputs.map { _ in sampled }
        return (sampled, aligned(network.encoder.inputRows(for: outputs, height: length)[0].union(sampled), of: low))
    }

    /// The low-resolution pixels that the bicubic upsample of these pixels reads.
    private func bicubicInput(_ pixels: Range<Int>) -> Range<Int> {
        pixels.lowerBound / scale - BicubicRows.upsampleRadius..<(pixels.upperBound - 1) / scale
            + BicubicRows.upsampleRadius + 1
    }

    /// The smallest range around `pixels` and within the image that the network can process.
    private func aligned(_ pixels: Range<Int>, of low: Int) -> Range<Int> {
        let step = max(1, configuration.sizeMultiple / scale),
            least = configuration.paddedSize(width: 1, height: 1).width
        let lower = max(0, pixels.lowerBound / step * step)
        let upper = min(low, max((pixels.upperBound + step - 1) / step * step, lower + least))
        return max(0, min(lower, upper - least))..<upper
    }
}

extension Graph {
    /// Returns the rows of each input that some rows of the outputs depend on, each in rows of its own map.
    ///
    /// - Parameters:
    ///   - rows: one range for each output, not empty.
    ///   - height: of the upscaled image; a multiple of every node's reduction.
    func inputRows(for rows: [Range<Int>], height: Int) -> [Range<Int>] {
        var needed = [Range<Int>?](repeating: nil, count: nodes.count)
        func need(_ value: Value, _ rows: Range<Int>) { needed[value.index] = needed[value.index]?.union(rows) ?? rows }
        for (value, rows) in zip(outputs, rows) { need(value, rows) }
        for (i, node) in nodes.enumerated().reversed() {
            guard let rows = needed[i] else { continue }
            for value in node.inputs { need(value, node.inputRows(for: rows, of: height / value.shape.reduction)) }
            for value in node.residuals { need(value, rows) }
        }
        return inputs.map { needed[$0.index]! }
    }
}

extension Network {
    /// Whether a region of a result depends on its surroundings only. Attention reads the whole image.
    public var isLocal: Bool { !configuration.hasAttention }
}

extension Range<Int> {
    fileprivate func union(_ other: Range<Int>) -> Range<Int> {
        Swift.min(lowerBound, other.lowerBound)..<Swift.max(upperBound, other.upperBound)
    }

    fileprivate func shifted(by offset: Int) -> Range<Int> { lowerBound + offset..<upperBound + offset }
}
