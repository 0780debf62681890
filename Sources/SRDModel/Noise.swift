import SRDTensor

/// The source of a sampler's Gaussian noise.
public enum NoiseSource: Sendable {
    /// A pure function of seed, draw, channel and pixel, which gives the same noise for every number of threads, band
    /// and machine.
    case pixel(seed: UInt64)
    /// PyTorch's CPU generator after `torch.manual_seed(seed)`; one `randn([1, 3, height, width])` per draw.
    case torch(TorchRandom)
    /// A blend of two sources, draw by draw.
    indirect case blend(NoiseSource, NoiseSource, BlendWeights)

    /// Returns standard normal numbers for one whole image. Draw 0 is x_T, draw n the noise of the n-th step.
    public mutating func field(draw: Int, height: Int, width: Int) -> NoiseField {
        switch self {
        case .pixel(let seed):
            return .pixel(PixelNoise(seed: seed, draw: UInt32(draw)))
        case .torch(var random):
            let planes = random.normal(count: 3 * height * width)
            self = .torch(random)
            return .stored(FloatTensor(planes: planes, height: height, width: width, channels: 3))
        case .blend(var first, var second, let weights):
            let a = first.field(draw: draw, height: height, width: width)
            let b = second.field(draw: draw, height: height, width: width)
            self = .blend(first, second, weights)
            return .blend(a, b, weights)
        }
    }
}

/// One draw of noise, which is read by rows.
public enum NoiseField: Sendable {
    /// The largest magnitude of pixel noise. The network turns larger values, 1.2 % of a normal distribution, into
    /// isolated dots in flat areas; training limits its noise likewise.
    public static let limit: Float = 2.5

    case pixel(PixelNoise)
    case stored(FloatTensor)
    indirect case blend(NoiseField, NoiseField, BlendWeights)

    /// Returns the first `width` pixels of row y, `[width, 3]`.
    public func row(_ y: Int, width: Int) -> [Float] { row(y, columns: 0..<width) }

    /// Returns some pixels of row y, `[columns.count, 3]`.
    public func row(_ y: Int, columns: Range<Int>) -> [Float] {
        switch self {
        case .pixel(let noise):
            var row = noise.row(y, columns: columns)
            for i in row.indices { row[i] = max(-Self.limit, min(Self.limit, row[i])) }
            return row
        case .stored(let tensor):
            let first = y * tensor.width
            return Array(tensor.values[(first + columns.lowerBound) * 3..<(first + columns.upperBound) * 3])
        case .blend(let first, let second, let weights):
            return zip(first.row(y, columns: columns), second.row(y, columns: columns)).map { weights.blend($0, $1) }
        }
    }
}

/// Counter-based Gaussian noise: Philox 4×32-10 (Salmon et al. 2011) and an inverse normal distribution from + − × ÷
/// and √ alone.
public struct PixelNoise: Sendable {
    private let key: (UInt32, UInt32)
    private let draw: UInt32

    public init(seed: UInt64, draw: UInt32) {
        key = (UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
        self.draw = draw
    }

    /// Returns row y, `[width, 3]`. Channel c of pixel (x, y) comes from word c of the block with counter (x, y, draw,
    /// 0).
    public func row(_ y: Int, width: Int) -> [Float] { row(y, columns: 0..<width) }

    /// Returns some pixels of row y, `[columns.count, 3]`.
    func row(_ y: Int, columns: Range<Int>) -> [Float] {
        let width = columns.count
        return [Float](unsafeUninitializedCapacity: width * 3) { row, count in
            for first in stride(from: 0, to: width, by: Lanes.scalarCount) {
                let words = words(from: columns.lowerBound + first, y), kept = min(Lanes.scalarCount, width - first)
                Self.central(words.0, channel: 0, kept, row.baseAddress! + first * 3)
                Self.central(words.1, channel: 1, kept, row.baseAddress! + first * 3)
                Self.central(words.2, channel: 2, kept, row.baseAddress! + first * 3)
            }
            count = width * 3
        }
    }

    /// 32-bit words of eight pixels in 64-bit lanes, so that products of two words fit.
    private typealias Lanes = SIMD8<UInt64>

    /// Computes the first three words of `philox` for eight neighbouring pixels.
    private func words(from x: Int, _ y: Int) -> (Lanes, Lanes, Lanes) {
        let low = Lanes(repeating: 0xffff_ffff)
        var c0 = Lanes(0, 1, 2, 3, 4, 5, 6, 7) &+ Lanes(repeating: UInt64(x)), c1 = Lanes(repeating: UInt64(y))
        var c2 = Lanes(repeating: UInt64(draw)), c3 = Lanes(repeating: 0), k = key
        for _ in 0..<10 {
            let a = (c0 & low) &* Lanes(repeating: 0xd251_1f53), b = (c2 & low) &* Lanes(repeating: 0xcd9e_8d57)
            (c0, c1, c2, c3) = (
                (b &>> 32) ^ c1 ^ Lanes(repeating: UInt64(k.0)), b & low,
                (a &>> 32) ^ c3 ^ Lanes(repeating: UInt64(k.1)), a & low
            )
            k = (k.0 &+ 0x9e37_79b9, k.1 &+ 0xbb67_ae85)
        }
        return (c0 & low, c1, c2 & low)
    }

    /// Computes `normal` for neighbouring pixels with the same operations in the same order.
    private static func central(_ words: Lanes, channel: Int, _ count: Int, _ row: UnsafeMutablePointer<Float>) {
        typealias Reals = SIMD8<Double>
        // A word in the last bits of 2⁵² is 2⁵² + word.
        let real =
            unsafeBitCast(words | Lanes(repeating: 0x4330_0000_0000_0000), to: Reals.self) - Reals(repeating: 0x1p52)
        let q = (real + 0.5) * 0x1p-32 - 0.5, r = q * q
        var n = r * -39.69683028665376, d = r * -54.47609879822406
        n = (n + 220.9460984245205) * r; d = (d + 161.5858368580409) * r
        n = (n - 275.9285104469687) * r; d = (d - 155.6989798598866) * r
        n = (n + 138.3577518672690) * r; d = (d + 66.80131188771972) * r
        n = (n - 30.66479806614716) * r; d = (d - 13.28068155288572) * r
        let result = (n + 2.506628277459239) * q / (d + 1)
        for i in 0..<count {
            let isCentral = abs(q[i]) < 0.4757  // the others take `normal`'s own branch
            row[i * 3 + channel] = isCentral ? Float(result[i]) : normal(UInt32(truncatingIfNeeded: words[i]))
        }
    }

    package static func philox(_ counter: SIMD4<UInt32>, key: (UInt32, UInt32)) -> SIMD4<UInt32> {
        var c = counter, k = key
        for _ in 0..<10 {
            let a = UInt64(c[0]) &* 0xd251_1f53, b = UInt64(c[2]) &* 0xcd9e_8d57
            c = SIMD4(
                UInt32(truncatingIfNeeded: b >> 32) ^ c[1] ^ k.0, UInt32(truncatingIfNeeded: b),
                UInt32(truncatingIfNeeded: a >> 32) ^ c[3] ^ k.1, UInt32(truncatingIfNeeded: a)
            )
            k = (k.0 &+ 0x9e37_79b9, k.1 &+ 0xbb67_ae85)
        }
        return c
    }

    /// Returns the quantile (word + ½) / 2³² of the normal distribution, by Acklam's rational approximation with a
    /// relative error of at most 1.2 · 10⁻⁹.
    package static func normal(_ word: UInt32) -> Float {
        let p = (Double(word) + 0.5) * 0x1p-32
        if p < 0.02425 { return Float(lowerTail(p)) }
        if p > 1 - 0.02425 { return Float(-lowerTail(1 - p)) }
        let q = p - 0.5, r = q * q
        var n = -39.69683028665376, d = -54.47609879822406
        n = n * r + 220.9460984245205; d = d * r + 161.5858368580409
        n = n * r - 275.9285104469687; d = d * r - 155.6989798598866
        n = n * r + 138.3577518672690; d = d * r + 66.80131188771972
        n = n * r - 30.66479806614716; d = d * r - 13.28068155288572
        n = n * r + 2.506628277459239; d = d * r + 1
        return Float(n * q / d)
    }

    private static func lowerTail(_ p: Double) -> Double {
        let q = (-2 * Mathematics.log(p)).squareRoot()
        var n = -0.007784894002430293, d = 0.007784695709041462
        n = n * q - 0.3223964580411365; d = d * q + 0.3224671290700398
        n = n * q - 2.400758277161838; d = d * q + 2.445134137142996
        n = n * q - 2.549732539343734; d = d * q + 3.754408661907416
        n = n * q + 4.374664141464968; d = d * q + 1
        n = n * q + 2.938163982698783
        return n / d
    }
}

extension FloatTensor {
    /// Creates a feature map `[height, width, channels]` from PyTorch's planes `[channels, height, width]`.
    public init(planes: [Float], height: Int, width: Int, channels: Int) {
        var values = [Float](repeating: 0, count: planes.count)
        for c in 0..<channels {
            for i in 0..<height * width { values[i * channels + c] = planes[c * height * width + i] }
        }
        self.init(shape: [height, width, channels], values: values)
    }
}
