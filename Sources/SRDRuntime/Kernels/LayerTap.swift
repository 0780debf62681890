import SRDModel

/// A tap of a packed layer: what it reads for an output pixel, and where its weights are.
struct LayerTap {
    /// The index of the concatenated input, and that input's channels.
    let input, channels: Int
    /// Row and pixel offsets from the (first) input pixel.
    let dy, dx: Int
    /// Offset from the start of a block of packed weights.
    let offset: Int

    init(_ tap: TapLayout.Tap, offset: Int) {
        input = tap.input
        channels = tap.channels
        dy = tap.dy
        dx = tap.dx
        self.offset = offset
    }
}

/// The part of a row that one thread computes.
struct RowPart {
    /// Output pixels; for a transposed convolution, pixels of its input.
    let columns: Range<Int>
    /// Output channels, padded.
    let channels: Range<Int>

    /// Parts of a layer's channels start at multiples of this, as the blocks of all kernels do.
    static let channelStep = 32
}
