import CSRDKernels
import SRDModel

/// The live rows of a feature map, each with one border pixel on its left and right.
///
/// Row y is stored at index y mod `capacity`. Channels are padded to a multiple of `SRD_CHANNEL_STEP`.
struct RowRing<Element>: @unchecked Sendable {  // a row is written by one thread, and read only afterwards
    let height, width, capacity: Int
    /// Elements per pixel, which is the padded number of channels.
    let pixel: Int
    let border: Border
    private let base: UnsafeMutablePointer<Element>

    private var rowStride: Int { (width + 2) * pixel }

    /// Elements that a ring needs: one row more than its capacity, for the row outside a map with a zero border.
    static func count(capacity: Int, width: Int, channels: Int) -> Int {
        (capacity + 1) * (width + 2) * paddedChannels(channels)
    }

    init(_ base: UnsafeMutablePointer<Element>, height: Int, width: Int, channels: Int, capacity: Int, border: Border) {
        self.base = base
        self.height = height
        self.width = width
        self.capacity = capacity
        self.border = border
        pixel = paddedChannels(channels)
    }

    /// Returns pixel 0 of row y, which must be inside the map.
    func interior(_ y: Int) -> UnsafeMutablePointer<Element> { base + y % capacity * rowStride + pixel }

    /// Returns pixel 0 of row y, which may be one row outside the map.
    func row(_ y: Int) -> UnsafePointer<Element> {
        if y >= 0 && y < height { return UnsafePointer(interior(y)) }
        switch border {
        case .zero: return UnsafePointer(base + capacity * rowStride + pixel)
        case .reflect: return UnsafePointer(interior(y < 0 ? -y : 2 * (height - 1) - y))
        }
    }

    /// Writes the row outside a map with a zero border.
    func fillOutsideRow(with zero: Element) {
        (base + capacity * rowStride).update(repeating: zero, count: rowStride)
    }

    /// Writes the border pixels next to pixels `columns` of row y, which must have been computed.
    func writeBorders(_ y: Int, columns: Range<Int>, zero: Element) {
        let first = interior(y)
        if columns.lowerBound == 0 {
            let outside = first - pixel
            if border == .zero {
                outside.update(repeating: zero, count: pixel)
            } else {
                outside.update(from: first + pixel, count: pixel)
            }
        }
        if columns.upperBound == width {
            let outside = first + width * pixel
            if border == .zero {
                outside.update(repeating: zero, count: pixel)
            } else {
                outside.update(from: outside - 2 * pixel, count: pixel)
            }
        }
    }
}

/// The number of channels, padded to a multiple of `SRD_CHANNEL_STEP`.
func paddedChannels(_ channels: Int) -> Int {
    (channels + Int(SRD_CHANNEL_STEP) - 1) / Int(SRD_CHANNEL_STEP) * Int(SRD_CHANNEL_STEP)
}

/// Copies the first `channels` channels of pixels `columns`. `fromPixel` and `toPixel` are the floats per pixel on
/// either side.
func copyPixels(
    _ columns: Range<Int>, _ channels: Int, _ from: UnsafePointer<Float>, pixel fromPixel: Int,
    to: UnsafeMutablePointer<Float>, pixel toPixel: Int
) {
    for x in columns {
        for c in 0..<channels { to[x * toPixel + c] = from[x * fromPixel + c] }
    }
}

/// Returns the quantized value that a kernel's byte stands for.
func decoded(_ byte: srd_quantized) -> Int8 { Int8(truncatingIfNeeded: Int(byte) - Int(SRD_QUANTIZED_BIAS)) }

extension Int8 {
    /// The kernels' byte for a quantized value.
    var encoded: srd_quantized { srd_quantized(truncatingIfNeeded: Int(self) + Int(SRD_QUANTIZED_BIAS)) }
}
