import SRDFile
import SRDiff
import ToolSupport

/// The two ends, at λ = 0 and λ = 1.
enum Ends {
    case seeds(UInt64, UInt64, over: Image)
    /// Two images of equal size and kind, noised to a timestep with the noise of a seed. Both are conditioned on `low`,
    /// or on their own downscaled images if it is nil.
    case images(Image, Image, low: Image?, timestep: Int, seed: UInt64)

    /// Returns the size of a frame.
    func size(_ loaded: LoadedModel) -> (width: Int, height: Int) {
        let scale = loaded.configuration.scale
        return switch self {
        case .seeds(_, _, let low): (low.width * scale, low.height * scale)
        case .images(let a, _, _, _, _): (a.width, a.height)
        }
    }

    /// A hash of the images' pixels, for the frames' settings.
    var fact: String {
        var sha = SHA256()
        func add(_ image: Image) { sha.update(image.samples) }
        switch self {
        case .seeds(_, _, let low): add(low)
        case .images(let a, let b, let low, _, _):
            add(a)
            add(b)
            if let low { add(low) }
        }
        return "inputs=\(sha.hexDigest().prefix(16))"
    }

    /// Returns the labels on the sheet: before the frames, of the frames, and after them.
    func labels(_ frames: Int) -> (before: [String], frames: [String], after: [String]) {
        var labels = (0..<frames).map { "λ \(Text.fixed(Double($0) / Double(frames - 1), 3))" }
        guard case .seeds(let a, let b, _) = self else { return (["a"], labels, ["b"]) }
        labels[0] = "seed \(a)"
        labels[frames - 1] = "seed \(b)"
        return ([], labels, [])
    }

    /// The images at the ends, or nil between seeds.
    var images: (Image, Image)? {
        guard case .images(let a, let b, _, _, _) = self else { return nil }
        return (a, b)
    }
}

/// Makes the frames between two ends.
struct Journey {
    let loaded: LoadedModel
    let sampler: TimestepSchedule
    let generator: SamplingSettings.Generator
    /// The fidelity of frames between seeds. Frames between images are plain samples.
    let fidelity: Fidelity
    let isLinear: Bool
    let frames: Int

    /// Returns λ of a frame, exactly 0 for the first and 1 for the last.
    func lambda(_ frame: Int) -> Double { Double(frame) / Double(frames - 1) }

    private func weights(_ frame: Int, angle: Double = .pi / 2) -> BlendWeights {
        isLinear ? .linear(lambda(frame)) : .spherical(lambda(frame), angle: angle)
    }

    /// - Parameter inputs: what `Ends.fact` says.
    /// - Returns: what it takes to make a frame again. Between seeds, the ends are what srdiff-upscale makes, and say
    ///   so.
    func facts(_ ends: Ends, inputs: String, frame: Int) -> [String] {
        let path = ["lambda=\(lambda(frame))", "path=\(isLinear ? "linear" : "spherical")"]
        func sampled(_ seed: UInt64, fidelity: Fidelity = .sample) -> [String] {
            RunSettings.sampled(
                loaded, SamplingSettings(schedule: sampler, seed: seed, generator: generator, fidelity: fidelity),
                seeds: [seed])
        }
        switch ends {
        case .seeds(let a, let b, _):
            if frame == 0 || frame == frames - 1 { return sampled(frame == 0 ? a : b, fidelity: fidelity) }
            return sampled(a, fidelity: fidelity) + ["toward=\(b)"] + path + [inputs]
        case .images(_, _, _, let timestep, let seed):
            return sampled(seed) + ["timestep=\(timestep)"] + path + [inputs]
        }
    }

    /// Returns the bytes that the images, their states and the contact sheet take.
    ///
    /// - Parameters:
    ///   - size: of a frame.
    ///   - betweenImages: whether the ends are images instead of seeds.
    func memory(size: (width: Int, height: Int), betweenImages: Bool) -> Int {
        let scale = loaded.configuration.scale
        let padded = loaded.configuration.paddedSize(
            width: (size.width + scale - 1) / scale, height: (size.height + scale - 1) / scale)
        // Images, their states and the mixed one.
        let extra = !betweenImages ? 12 : 2 * 6 + 3 * 12 + 12
        return MemoryEstimate.sampling(
            loaded.model, lrWidth: padded.width, lrHeight: padded.height,
            settings: SamplingSettings(schedule: sampler, seed: 0, generator: generator, fidelity: fidelity),
            bytesPerPixel: 6, extra: extra)
            + ContactSheet.memory(images: frames + 2, pixels: size.width * size.height)
    }

    func make(
        _ wanted: [Int], of ends: Ends, on upscaler: Upscaler, progress: ProgressLine,
        each: (_ frame: Int, Image) throws -> Void
    ) throws {
        let pipeline = upscaler.pipeline
        var done = 0
        switch ends {
        case .seeds(let a, let b, let low):
            let prepared = pipeline.prepare(low, fidelity: fidelity), total = wanted.count * sampler.steps
            for frame in wanted {
                let isEnd = frame == 0 || frame == frames - 1
                let settings = SamplingSettings(
                    schedule: sampler, seed: frame == frames - 1 ? b : a, generator: generator, fidelity: fidelity,
                    blend: isEnd ? nil : .init(seed: b, weights: weights(frame)))
                try each(
                    frame,
                    upscaler.upscale(prepared, settings: settings) { _, _ in
                        done += 1
                        progress.show("frame \(frame + 1)/\(frames)", done: done, of: total)
                    })
            }
        case .images(let a, let b, let low, let timestep, let seed):
            let scale = loaded.configuration.scale
            let settings = SamplingSettings(schedule: sampler, seed: seed, generator: generator)
            let total = wanted.count * sampler.steps(from: timestep, in: loaded.schedule)
            let lows = [a, b].map { low ?? $0.padded(toMultipleOf: scale).resized(by: 1, over: scale) }
            let states = zip([a, b], lows).map { image, low in
                pipeline.diffuse(image, over: pipeline.prepare(low), to: timestep, settings: settings)
            }
            let angle = states[0].angle(to: states[1]), guide = low.map { pipeline.prepare($0) }
            for frame in wanted {
                let weight = Float(lambda(frame))
                let prepared =
                    guide ?? pipeline.prepare(lows[0].blended(with: lows[1], blendsAlpha: true) { _ in weight })
                let state = states[0].blended(with: states[1], weights(frame, angle: angle))
                let result = try upscaler.upscale(prepared, settings: settings, from: state) { _, _ in
                    done += 1
                    progress.show("frame \(frame + 1)/\(frames)", done: done, of: total)
                }
                try each(
                    frame,
                    result.cropped(width: a.width, height: a.height).withAlpha(
                        of: a.blended(with: b, blendsAlpha: true) { _ in weight }))
            }
        }
    }
}

extension Image {
    fileprivate func withAlpha(of other: Image) -> Image {
        guard hasAlpha else { return self }
        var image = self
        for i in stride(from: channels - 1, to: samples.count, by: channels) { image.samples[i] = other.samples[i] }
        return image
    }
}
