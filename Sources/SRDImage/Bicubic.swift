/// MATLAB's imresize with its bicubic kernel (Keys, a = −0.5), stretched when shrinking so that it does not alias,
/// borders mirrored, weights summing to 1. Only + − × ÷ in a fixed order: every machine gives the same bits.
///
/// Output rows are independent of each other and computed one at a time, so the memory is one row in addition to the
/// image.
public struct BicubicRows: Sendable {
    private enum Input: Sendable {
        case samples([UInt16])
        case values([Float])
    }

    private let input: Input
    private let inputWidth: Int
    public let channels: Int
    public let bitDepth: Int
    private let horizontal: BicubicAxis
    private let vertical: BicubicAxis

    /// Scales both axes by `numerator/denominator`. Sizes are rounded up.
    public init(_ image: Image, scaledBy numerator: Int, over denominator: Int = 1) {
        self.init(
            .samples(image.samples), of: image,
            horizontal: BicubicAxis(image.width, scaledBy: numerator, over: denominator),
            vertical: BicubicAxis(image.height, scaledBy: numerator, over: denominator))
    }

    /// Scales each axis to the given size.
    public init(_ image: Image, width: Int, height: Int) {
        self.init(
            .samples(image.samples), of: image,
            horizontal: BicubicAxis(image.width, scaledBy: width, over: image.width),
            vertical: BicubicAxis(image.height, scaledBy: height, over: image.height))
    }

    /// Scales other numbers, one for each sample of `image`.
    public init(_ values: [Float], of image: Image, scaledBy numerator: Int) {
        precondition(values.count == image.samples.count, "\(values.count) values")
        self.init(
            .values(values), of: image,
            horizontal: BicubicAxis(image.width, scaledBy: numerator, over: 1),
            vertical: BicubicAxis(image.height, scaledBy: numerator, over: 1))
    }

    private init(_ input: Input, of image: Image, horizontal: BicubicAxis, vertical: BicubicAxis) {
        self.input = input
        inputWidth = image.width
        channels = image.channels
        bitDepth = image.bitDepth
        self.horizontal = horizontal
        self.vertical = vertical
    }

    /// Input pixels on each side of the one under an output pixel that an upsample reads.
    public static let upsampleRadius = 2

    /// The output's width.
    public var width: Int { horizontal.count }
    /// The output's height.
    public var height: Int { vertical.count }

    /// Output rows in the input's own units, 0…255 or 0…65535, neither rounded nor clamped: edges overshoot.
    /// `out` becomes `[range.count][width][channels]`.
    public func rows(_ range: Range<Int>, into out: inout [Double]) {
        precondition(0 <= range.lowerBound && range.upperBound <= height)
        out.removeAll(keepingCapacity: true)
        var line = [Double](repeating: 0, count: inputWidth * channels)
        for y in range {
            switch input {
            case .samples(let samples): vertical.row(y, of: samples, rowCount: line.count, into: &line) { Double($0) }
            case .values(let values): vertical.row(y, of: values, rowCount: line.count, into: &line) { Double($0) }
            }
            horizontal.appendColumns(of: line, channels: channels, to: &out)
        }
    }
}

extension Image {
    /// MATLAB-bicubic by `numerator/denominator`, sizes rounded up, as imresize does it on integer images:
    /// each axis's result is rounded and clamped, the smaller scale first, rows before columns when equal.
    /// The printed size stays: the metadata's pixel density is scaled.
    public func resized(by numerator: Int, over denominator: Int = 1) -> Image {
        let horizontal = BicubicAxis(width, scaledBy: numerator, over: denominator)
        let vertical = BicubicAxis(height, scaledBy: numerator, over: denominator)
        var out = resizedRows(vertical).resizedColumns(horizontal)
        out.metadata.scalePixelDensity(by: Double(numerator) / Double(denominator))
        return out
    }

    /// Returns some rows of `resized(by: scale)`.
    public func resized(by scale: Int, rows: Range<Int>) -> Image {
        let first = max(0, rows.lowerBound / scale - BicubicRows.upsampleRadius)
        let end = min(height, (rows.upperBound - 1) / scale + BicubicRows.upsampleRadius + 1)
        let part = window(columns: 0..<width, rows: first..<end).resized(by: scale)
        return part.window(
            columns: 0..<part.width, rows: rows.lowerBound - first * scale..<rows.upperBound - first * scale)
    }

    /// Returns the image resized to a given size, each axis by its own scale.
    public func resized(width: Int, height: Int) -> Image {
        let horizontal = BicubicAxis(self.width, scaledBy: width, over: self.width)
        let vertical = BicubicAxis(self.height, scaledBy: height, over: self.height)
        let columnsFirst = width * self.height < height * self.width
        var out =
            columnsFirst
            ? resizedColumns(horizontal).resizedRows(vertical)
            : resizedRows(vertical).resizedColumns(horizontal)
        out.metadata.scalePixelDensity(
            x: Double(width) / Double(self.width), y: Double(height) / Double(self.height)
        )
        return out
    }

    private func resizedRows(_ axis: BicubicAxis) -> Image {
        var out: [UInt16] = []
        out.reserveCapacity(axis.count * width * channels)
        var line = [Double](repeating: 0, count: width * channels)
        for y in 0..<axis.count {
            axis.row(y, of: samples, rowCount: line.count, into: &line) { Double($0) }
            appendRounded(line, to: &out)
        }
        return with(samples: out, width: width, height: axis.count)
    }

    private func resizedColumns(_ axis: BicubicAxis) -> Image {
        var out: [UInt16] = []
        out.reserveCapacity(height * axis.count * channels)
        var line: [Double] = []
        for y in 0..<height {
            line.removeAll(keepingCapacity: true)
            let row = samples[y * width * channels..<(y + 1) * width * channels].map(Double.init)
            axis.appendColumns(of: row, channels: channels, to: &line)
            appendRounded(line, to: &out)
        }
        return with(samples: out, width: axis.count, height: height)
    }

    /// Ties to even, as in the golden reductions; ties are common when halving, whose weights are dyadic.
    private func appendRounded(_ line: [Double], to out: inout [UInt16]) {
        let maximum = Double(self.maximum)
        for value in line { out.append(UInt16(min(max(value, 0), maximum).rounded(.toNearestOrEven))) }
    }

    private func with(samples: [UInt16], width: Int, height: Int) -> Image {
        Image(
            width: width, height: height, channels: channels, bitDepth: bitDepth, samples: samples, metadata: metadata
        )
    }
}
