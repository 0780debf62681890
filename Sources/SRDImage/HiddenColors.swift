extension Image {
    /// The image with the colours of fully transparent pixels replaced by those of the nearest visible pixels.
    ///
    /// Files often hold arbitrary colours where alpha is 0. Upscaling mixes neighbouring pixels, so these colours would
    /// appear as a halo around the visible part. Alpha and visible pixels do not change. An image without alpha,
    /// without hidden pixels or without visible pixels is returned as it is.
    ///
    /// The visible region grows by one ring of pixels at a time: a pixel of the ring gets the mean of its neighbours
    /// that are already known, out of eight. Every pixel is visited once, and the arithmetic is in integers, so the
    /// result is the same on every machine.
    public func withHiddenColorsFilled() -> Image {
        guard hasAlpha else { return self }
        var filled = self
        filled.fillHiddenColors()
        return filled
    }

    private mutating func fillHiddenColors() {
        enum State { static let hidden: UInt8 = 0, queued: UInt8 = 1, known: UInt8 = 2 }
        let width = width
        let height = height
        let channels = channels
        var states = [UInt8](repeating: State.hidden, count: width * height)
        for pixel in states.indices where samples[pixel * channels + channels - 1] > 0 { states[pixel] = State.known }
        guard states.contains(State.known), states.contains(State.hidden) else { return }

        func forEachNeighbor(of pixel: Int, _ body: (Int) -> Void) {
            let x = pixel % width
            let y = pixel / width
            for row in max(y - 1, 0)...min(y + 1, height - 1) {
                for column in max(x - 1, 0)...min(x + 1, width - 1) { body(row * width + column) }
            }
        }

        var ring: [Int] = []
        for pixel in states.indices where states[pixel] == State.hidden {
            var isBorder = false
            forEachNeighbor(of: pixel) { if states[$0] == State.known { isBorder = true } }
            if isBorder { ring.append(pixel) }
        }
        for pixel in ring { states[pixel] = State.queued }

        while !ring.isEmpty {
            for pixel in ring {
                for channel in 0..<channels - 1 {
                    var sum = 0
                    var count = 0
                    forEachNeighbor(of: pixel) {
                        guard states[$0] == State.known else { return }
                        sum += Int(samples[$0 * channels + channel])
                        count += 1
                    }
                    samples[pixel * channels + channel] = UInt16((sum + count / 2) / count)
                }
            }
            var following: [Int] = []
            for pixel in ring {
                states[pixel] = State.known
                forEachNeighbor(of: pixel) {
                    guard states[$0] == State.hidden else { return }
                    states[$0] = State.queued
                    following.append($0)
                }
            }
            ring = following
        }
    }

    /// The image composited on white, without alpha. Colours and alpha are taken in the image's own encoding, as
    /// browsers do.
    public func flattened() -> Image {
        guard hasAlpha else { return self }
        let full = Int(maximum)
        var out: [UInt16] = []
        out.reserveCapacity(width * height * (channels - 1))
        for pixel in stride(from: 0, to: samples.count, by: channels) {
            let alpha = Int(samples[pixel + channels - 1])
            for channel in 0..<channels - 1 {
                out.append(UInt16((Int(samples[pixel + channel]) * alpha + full * (full - alpha) + full / 2) / full))
            }
        }
        return Image(
            width: width, height: height, channels: channels - 1, bitDepth: bitDepth, samples: out, metadata: metadata)
    }
}
