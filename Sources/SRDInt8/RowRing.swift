import CSRDKernels
import SRDModel

/// The rows of a feature map that are alive, each with one pixel of border to its left and right.
///
/// Row y lives in place y mod `capacity`. Channels are filled up to a multiple of `SRD_CHANNEL_STEP`.
struct RowRing<Element>: @unchecked Sendable {       // a row is written by one thread, and read only afterwards
    let height, width, capacity: Int
    /// Elements from pixel to pixel.
    let pixel: Int
    let border: Border
    private let base: UnsafeMutablePointer<Element>

    private var rowStride: Int { (width + 2) * pixel }

    /// One row more than the capacity: what stands above and below a map with a zero border.
    static func count(capacity: Int, width: Int, channels: Int) -> Int {
        (capacity + 1) * (width + 2) * filledUp(channels)
    }

    static func filledUp(_ channels: Int) -> Int {
        (channels + Int(SRD_CHANNEL_STEP) - 1) / Int(SRD_CHANNEL_STEP) * Int(SRD_CHANNEL_STEP)
    }

    init(_ base: UnsafeMutablePointer<Element>, height: Int, width: Int, channels: Int, capacity: Int, border: Border) {
        self.base = base
        self.height = height
        self.width = width
        self.capacity = capacity
        self.border = border
        pixel = Self.filledUp(channels)
    }

    /// Pixel 0 of row y, which must be inside the map.
    func interior(_ y: Int) -> UnsafeMutablePointer<Element> { base + y % capacity * rowStride + pixel }

    /// Pixel 0 of row y, which may be one outside the map.
    func row(_ y: Int) -> UnsafePointer<Element> {
        if y >= 0 && y < height { return UnsafePointer(interior(y)) }
        switch border {
        case .zero: return UnsafePointer(base + capacity * rowStride + pixel)
        case .reflect: return UnsafePointer(interior(y < 0 ? -y : 2 * (height - 1) - y))
        }
    }

    /// Writes the row of zeros beyond a zero border.
    func fillOutside(with zero: Element) {
        (base + capacity * rowStride).update(repeating: zero, count: rowStride)
    }

    /// Writes the border pixels next to pixels `columns` of row y; they are there by then.
    func close(_ y: Int, columns: Range<Int>, zero: Element) {
        let first = interior(y)
        if columns.lowerBound == 0 {
            let outside = first - pixel
            if border == .zero { outside.update(repeating: zero, count: pixel) } else { outside.update(from: first + pixel, count: pixel) }
        }
        if columns.upperBound == width {
            let outside = first + width * pixel
            if border == .zero { outside.update(repeating: zero, count: pixel) } else { outside.update(from: outside - 2 * pixel, count: pixel) }
        }
    }
}
