extension Image {
    /// The image with the colours of fully transparent pixels replaced by those of the nearest visible pixels.
    ///
    /// Files often hold arbitrary colours where alpha is 0. Upscaling mixes neighbouring pixels, so these colours would
    /// appear as a halo around the visible part. Alpha and visible pixels do not change. An image without alpha,
    /// without hidden pixels or without visible pixels is returned as it is.
    ///
    /// The visible region grows by one ring of pixels at a time: a pixel of the ring gets the mean of its neighbours
    /// that are already known, out of eight. After 64 rings, two passes over the rows fill the rest from the adjacent
    /// pixels. The time is proportional to the number of pixels, and the arithmetic is in integers, so the result is
    /// the same on every machine.
    public func withHiddenColorsFilled() -> Image {
        guard hasAlpha else { return self }
        var fill = HiddenColorFill(self)
        guard fill.hasKnown else { return self }
        fill.growRings(limit: 64)
        fill.fillRows()
        return fill.image
    }
}

private struct HiddenColorFill {
    private enum State {
        static let hidden: UInt8 = 0, queued: UInt8 = 1, known: UInt8 = 2, outside: UInt8 = 3
    }

    var image: Image
    private(set) var hasKnown = false
    /// One state per pixel, with a border of one pixel, so that every pixel has eight neighbours.
    private var states: [UInt8]
    private let stride: Int
    private let colors: Int

    init(_ image: Image) {
        self.image = image
        stride = image.width + 2
        colors = image.channels - 1
        states = [UInt8](repeating: State.outside, count: stride * (image.height + 2))
        for y in 0..<image.height {
            for x in 0..<image.width {
                let isVisible = image.samples[(y * image.width + x) * image.channels + colors] > 0
                states[(y + 1) * stride + x + 1] = isVisible ? State.known : State.hidden
                hasKnown = hasKnown || isVisible
            }
        }
    }

    mutating func growRings(limit: Int) {
        let neighbors = [-stride - 1, -stride, -stride + 1, -1, 1, stride - 1, stride, stride + 1]
        var ring: [Int] = []
        for place in states.indices where states[place] == State.hidden {
            if neighbors.contains(where: { states[place + $0] == State.known }) { ring.append(place) }
        }
        for _ in 0..<limit {
            for place in ring { setMean(at: place, of: neighbors) }
            for place in ring { states[place] = State.known }
            var following: [Int] = []
            for place in ring {
                for neighbor in neighbors where states[place + neighbor] == State.hidden {
                    states[place + neighbor] = State.queued
                    following.append(place + neighbor)
                }
            }
            ring = following
        }
    }

    /// Fills pixels from the left and from above, then from the right and from below. The first pass reaches the lower
    /// right corner, so the second one reaches every pixel.
    mutating func fillRows() {
        let before = [-1, -stride]
        for place in states.indices where states[place] < State.known {
            if setMean(at: place, of: before) { states[place] = State.known }
        }
        let after = [1, stride]
        for place in states.indices.reversed() where states[place] < State.known {
            if setMean(at: place, of: after) { states[place] = State.known }
        }
    }

    /// Sets the colour to the mean of those neighbours that are known, rounded. Returns whether any is.
    @discardableResult
    private mutating func setMean(at place: Int, of neighbors: [Int]) -> Bool {
        var sums = (0, 0, 0)
        var count = 0
        for neighbor in neighbors where states[place + neighbor] == State.known {
            let start = sample(place + neighbor)
            sums.0 += Int(image.samples[start])
            if colors == 3 {
                sums.1 += Int(image.samples[start + 1])
                sums.2 += Int(image.samples[start + 2])
            }
            count += 1
        }
        guard count > 0 else { return false }
        let start = sample(place)
        image.samples[start] = UInt16((sums.0 + count / 2) / count)
        if colors == 3 {
            image.samples[start + 1] = UInt16((sums.1 + count / 2) / count)
            image.samples[start + 2] = UInt16((sums.2 + count / 2) / count)
        }
        return true
    }

    /// The index of the pixel's first sample.
    private func sample(_ place: Int) -> Int {
        ((place / stride - 1) * image.width + place % stride - 1) * image.channels
    }
}

extension Image {
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
