import SRDiff
import ToolSupport

/// Content fusion: a region of the reference, blended into the base.
struct Fusion {
    /// What is sampled around the region, in pixels of the small image.
    private static let margin = 24

    let loaded: LoadedModel
    let settings: SamplingSettings
    let timestep: Int
    let guide: Fuse.Guide
    let feather: Int

    private var scale: Int { loaded.configuration.scale }

    /// The region and the margin around it, cut so that its pixels are reduced together as they are in the whole image.
    func surroundings(of box: Box, in image: Image) -> Box {
        let step = scale, margin = Self.margin * step
        let left = max(0, box.x - margin) / step * step, top = max(0, box.y - margin) / step * step
        func end(_ reach: Int, _ limit: Int) -> Int { min(limit, (reach + margin + step - 1) / step * step) }
        let right = end(box.x + box.width, image.width), bottom = end(box.y + box.height, image.height)
        return Box(x: left, y: top, width: right - left, height: bottom - top)
    }

    /// Returns the bytes that the base and the other images take.
    static func memory(of opened: [OpenedImage]) -> Int {
        let base = opened[0], pixels = base.header.width * base.header.height
        let decoded = base.decodingBytes(copies: 0), written = base.decodingBytes(copies: 2) - decoded
        // The base and a weight for each of its pixels stay, first with one other image, then with the result and its
        // file.
        let others = opened.dropFirst().map { $0.decodingBytes(copies: 1) }
        return decoded + 4 * pixels + max(written, others.max() ?? 0)
    }

    /// Returns the bytes that sampling the surroundings of a region takes.
    func memory(of part: Box) -> Int {
        let padded = loaded.configuration.paddedSize(
            width: (part.width + scale - 1) / scale, height: (part.height + scale - 1) / scale)
        // Base, reference, both and the result; the state.
        return MemoryEstimate.sampling(
            loaded.model, lrWidth: padded.width, lrHeight: padded.height, settings: settings,
            bytesPerPixel: 6, extra: 4 * 6 + 3 * 12)
    }

    /// - Parameters:
    ///   - reference: what comes into the box `window` of the base, of its kind.
    ///   - part: what `surroundings` says of the window.
    func run(
        _ base: Image, _ reference: Image, in window: Box, _ region: Region, part: Box, on upscaler: Upscaler,
        progress: ProgressLine
    ) throws -> Image {
        let under = base.cropped(x: part.x, y: part.y, width: part.width, height: part.height)
        let over = under.replacing(x: window.x - part.x, y: window.y - part.y, with: reference),
            shares = region.cropped(to: part)
        let pasted = shares.mix(under, over).padded(toMultipleOf: scale)
        let low = (guide == .base ? under.padded(toMultipleOf: scale) : pasted).resized(by: 1, over: scale)

        let pipeline = upscaler.pipeline, prepared = pipeline.prepare(low)
        let state = pipeline.diffuse(pasted, over: prepared, to: timestep, settings: settings)
        let total = settings.schedule.steps(from: timestep, in: loaded.schedule)
        var done = 0
        let melted = try upscaler.upscale(prepared, settings: settings, from: state) { _, _ in
            done += 1
            progress.show("fusing", done: done, of: total)
        }

        let mixed = shares.feathered(feather).mix(under, melted.cropped(width: part.width, height: part.height))
        return base.replacing(x: part.x, y: part.y, with: mixed)
    }
}

extension Image {
    /// Returns the image with another one of the same kind blended over it in the region.
    fileprivate func replacing(x: Int, y: Int, with part: Image) -> Image {
        var image = self
        let length = part.width * channels
        for row in 0..<part.height {
            let start = ((y + row) * width + x) * channels
            image.samples.replaceSubrange(start..<start + length, with: part.samples[row * length..<(row + 1) * length])
        }
        return image
    }
}
