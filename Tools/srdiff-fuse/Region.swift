import SRDiff
import ToolSupport

/// How much of each pixel comes from the reference.
struct Region {
    let width, height: Int
    /// `[height][width]`, 0…1.
    private(set) var shares: [Float]

    /// Traps unless the box is inside the image.
    init(_ box: Box, in image: Image) {
        width = image.width
        height = image.height
        precondition(box.x + box.width <= width && box.y + box.height <= height)
        shares = [Float](repeating: 0, count: width * height)
        for y in box.y..<box.y + box.height {
            for x in box.x..<box.x + box.width { shares[y * width + x] = 1 }
        }
    }

    /// White is 1, black and what is transparent 0.
    init(mask: Image) {
        width = mask.width
        height = mask.height
        let gray = mask.converted(channels: 2, bitDepth: 16)
        shares = stride(from: 0, to: gray.samples.count, by: 2).map { i in
            Float(gray.samples[i]) / 65535 * (Float(gray.samples[i + 1]) / 65535)
        }
    }

    /// The smallest box that holds every pixel above 0; nil when there is none.
    var bounds: Box? {
        let rows = (0..<height).filter { y in shares[y * width..<(y + 1) * width].contains { $0 > 0 } }
        guard let top = rows.first, let bottom = rows.last else { return nil }
        var left = width, right = -1
        for y in top...bottom {
            for x in 0..<width where shares[y * width + x] > 0 {
                left = min(left, x)
                right = max(right, x)
            }
        }
        return Box(x: left, y: top, width: right - left + 1, height: bottom - top + 1)
    }

    func cropped(to box: Box) -> Region {
        var part: [Float] = []
        for y in box.y..<box.y + box.height { part += shares[y * width + box.x..<y * width + box.x + box.width] }
        return Region(width: box.width, height: box.height, shares: part)
    }

    private init(width: Int, height: Int, shares: [Float]) {
        self.width = width
        self.height = height
        self.shares = shares
    }

    /// Blend weights that rise from 0 at the region's edge inwards, over the given number of pixels.
    func feathered(_ pixels: Int) -> Region {
        guard pixels > 0 else { return self }
        // Distance to the nearest pixel outside, by two sweeps (Borgefors 1986: 3 along, 4 across, in thirds of a
        // pixel).
        let far = 3 * (pixels + 1)
        var distances = shares.map { $0 > 0 ? far : 0 }
        func sweep(_ rows: [Int], _ columns: [Int], _ step: Int) {
            for y in rows {
                for x in columns where distances[y * width + x] > 0 {
                    for (dx, dy, cost) in [(-step, 0, 3), (0, -step, 3), (-step, -step, 4), (step, -step, 4)] {
                        guard (0..<width).contains(x + dx), (0..<height).contains(y + dy) else { continue }
                        distances[y * width + x] = min(
                            distances[y * width + x], distances[(y + dy) * width + x + dx] + cost)
                    }
                }
            }
        }
        sweep(Array(0..<height), Array(0..<width), 1)
        sweep((0..<height).reversed(), (0..<width).reversed(), -1)
        var feathered = self
        for i in shares.indices { feathered.shares[i] *= min(1, Float(distances[i]) / Float(far)) }
        return feathered
    }

    /// `under` where the share is 0, `over` where it is 1; colours alone, alpha stays.
    func mix(_ under: Image, _ over: Image) -> Image { under.blended(with: over, blendsAlpha: false) { shares[$0] } }
}
