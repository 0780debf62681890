import SRDImage
import SRDModel
import SRDTensor

// The conversions between pixels and the network's −1…1, all in one place.

extension FloatTensor {
    /// Creates `[height, width, 3]` in −1…1 from an RGB image. 16-bit images keep their precision.
    package init(networkInput image: Image) {
        precondition(image.channels == 3)
        let unit: Float = image.bitDepth == 8 ? 1 : 257
        self.init(
            shape: [image.height, image.width, 3], values: image.samples.map { Float($0) / unit / 127.5 - 1 }
        )
    }

    /// The tensor's −1…1 as the encoder's 0…1.
    var zeroToOne: FloatTensor {
        var tensor = self
        for i in tensor.values.indices { tensor.values[i] = values[i] * 0.5 + 0.5 }
        return tensor
    }

    /// The encoder's 0…1, clamped, as −1…1.
    package var clampedToNetworkRange: FloatTensor {
        var tensor = self
        for i in tensor.values.indices { tensor.values[i] = max(0, min(1, values[i])) * 2 - 1 }
        return tensor
    }
}

extension BicubicRows {
    /// Returns one row of the published code's bicubic upsample, 2 · bicubic(v / 256) − 1 with v in 0…255. Models are
    /// trained with that division by 256, so it is kept.
    package func networkRow(_ y: Int) -> [Float] {
        var row: [Double] = []
        rows(y..<y + 1, into: &row)
        let unit = bitDepth == 8 ? 128.0 : 128.0 * 257
        return row.map { Float($0 / unit - 1) }
    }
}

/// Rounds −1…1 to the samples of an image's bit depth, ties to even.
struct SampleRounding: Sendable {
    private let unit: Float, largest: Float

    init(bitDepth: Int) {
        unit = bitDepth == 8 ? 127.5 : 127.5 * 257
        largest = bitDepth == 8 ? 255 : 65535
    }

    func sample(_ value: Float) -> UInt16 {
        UInt16(max(0, min(largest, ((value + 1) * unit).rounded(.toNearestOrEven))))
    }
}

extension Image {
    /// The red, green and blue channels; gray is repeated three times.
    var opaqueRGB: Image {
        guard channels != 3 else { return self }
        var rgb: [UInt16] = []
        rgb.reserveCapacity(width * height * 3)
        for pixel in stride(from: 0, to: samples.count, by: channels) {
            for c in 0..<3 { rgb.append(samples[pixel + (hasColor ? c : 0)]) }
        }
        return Image(width: width, height: height, channels: 3, bitDepth: bitDepth, samples: rgb, metadata: metadata)
    }

    /// The alpha channel as a gray image, or nil for an opaque image.
    var alphaChannel: Image? {
        guard hasAlpha else { return nil }
        let plane = stride(from: channels - 1, to: samples.count, by: channels).map { samples[$0] }
        return Image(width: width, height: height, channels: 1, bitDepth: bitDepth, samples: plane)
    }
}
