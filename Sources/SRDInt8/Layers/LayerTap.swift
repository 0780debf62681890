import SRDModel

/// Where a packed layer looks for an output pixel, and where the weights for that are.
struct LayerTap {
    /// Which of the concatenated inputs, and how many channels it has.
    let input, channels: Int
    /// Rows and pixels from the (first) input pixel's place.
    let dy, dx: Int
    /// From the start of a block of packed weights.
    let offset: Int

    init(_ tap: TapLayout.Tap, offset: Int) {
        input = tap.input
        channels = tap.channels
        dy = tap.dy
        dx = tap.dx
        self.offset = offset
    }
}
