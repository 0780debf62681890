import SRDImage
import SRDTensor

/// How to sample: everything that, with the image and the model, decides the result.
public struct SamplingSettings: Hashable, Sendable {
    public enum Generator: String, Hashable, Sendable, CaseIterable {
        /// Noise by pixel: see `NoiseSource.pixel`.
        case pixel
        /// PyTorch's numbers in PyTorch's order, for comparison with the published code.
        case torch
    }

    public var sampler: SamplerSchedule
    public var seed: UInt64
    public var generator: Generator
    /// A second seed, whose noise is mixed into the first's, draw by draw; nil for none.
    public var blend: SeedBlend?

    public struct SeedBlend: Hashable, Sendable {
        public let seed: UInt64
        public let shares: Shares

        public init(seed: UInt64, shares: Shares) {
            self.seed = seed
            self.shares = shares
        }
    }

    public init(sampler: SamplerSchedule, seed: UInt64, generator: Generator = .pixel, blend: SeedBlend? = nil) {
        self.sampler = sampler
        self.seed = seed
        self.generator = generator
        self.blend = blend
    }

    var noise: NoiseSource {
        guard let blend else { return noise(of: seed) }
        return .blend(noise(of: seed), noise(of: blend.seed), blend.shares)
    }

    private func noise(of seed: UInt64) -> NoiseSource {
        switch generator {
        case .pixel: return .pixel(seed: seed)
        case .torch: return .torch(TorchRandom(seed: seed))
        }
    }
}

/// Where a run stands.
public enum UpscaleProgress: Sendable {
    case encoded
    /// `done` of `total` noise predictions.
    case step(done: Int, total: Int)
}

/// An image in, an image `scale` times as large out.
public struct Upscaler<E: Executor> {
    public let executor: E
    private let schedule: NoiseSchedule
    private let threads: Int

    public init(executor: E, schedule: NoiseSchedule, threads: Int) {
        self.executor = executor
        self.schedule = schedule
        self.threads = threads
    }

    /// What is the same for every sample of one image.
    public struct Prepared {
        let image: Image
        let padded: Image
        package let condition: E.Condition
    }

    /// Pads the image to a size the network can take, and encodes it.
    public func prepare(_ image: Image) -> Prepared {
        let size = executor.configuration.paddedSize(width: image.width, height: image.height)
        let padded = image.opaqueRGB.padded(width: size.width, height: size.height)
        let enlarged = executor.configuration.hasEnlargedInput ? enlarge(padded) : nil
        return Prepared(
            image: image, padded: padded,
            condition: executor.encode(FloatTensor(networkInput: padded), enlarged: enlarged)
        )
    }

    /// - Parameters:
    ///   - state: what to go on from, instead of from noise alone, with the sampler's steps below its timestep.
    ///   - progress: called after each noise prediction; throws to stop the run.
    public func upscale(
        _ prepared: Prepared, settings: SamplingSettings, from state: LatentState? = nil,
        progress: (UpscaleProgress) throws -> Void = { _ in }
    ) rethrows -> Image {
        let residual = try residual(prepared, settings: settings, from: state, progress: progress)
        executor.rest()                                    // before the image takes its own
        return image(of: residual, prepared)
    }

    /// x_t of an image of the result's size: what it holds beyond the enlargement, as in training clamped, and the first
    /// noise of the settings (DDPM eq. 4).
    public func diffuse(
        _ image: Image, over prepared: Prepared, to timestep: Int, settings: SamplingSettings
    ) -> LatentState {
        let rows = BicubicRows(prepared.padded, scaledBy: executor.configuration.scale), width = rows.width
        let high = FloatTensor(networkInput: image.opaqueRGB.padded(width: width, height: rows.height))
        var noise = settings.noise
        let start = noise.field(draw: 0, height: rows.height, width: width)
        let signal = Float(schedule.signal[timestep]), strength = Float(schedule.noise[timestep])
        var x = FloatTensor(height: rows.height, width: width, channels: 3)
        x.updateRows(threads: threads) { y, row in
            let enlarged = rows.networkRow(y), z = start.row(y, width: width)
            for j in row.indices {
                let residual = (high.values[y * width * 3 + j] - enlarged[j]) * Configuration.residualGain
                row[j] = signal * max(-1, min(1, residual)) + strength * z[j]
            }
        }
        return LatentState(timestep: timestep, x: x)
    }

    /// The result that x_0 makes.
    package func image(of residual: FloatTensor, _ prepared: Prepared) -> Image {
        compose(prepared.image, padded: prepared.padded) { y, enlarged in
            let row = residual.values[y * residual.width * 3..<y * residual.width * 3 + enlarged.count]
            return zip(row, enlarged).map { max(-1, min(1, $0)) / Configuration.residualGain + $1 }
        }
    }

    /// The encoder's own image: one pass, no noise, no seed.
    public func preview(_ image: Image) -> Image {
        let size = executor.configuration.paddedSize(width: image.width, height: image.height)
        let padded = image.opaqueRGB.padded(width: size.width, height: size.height)
        let own = executor.preview(FloatTensor(networkInput: padded))
        return compose(image, padded: padded) { y, enlarged in
            Array(own.values[y * own.width * 3..<y * own.width * 3 + enlarged.count])
        }
    }

    /// x_0, `[H, W, 3]`, of the padded size: the reverse process of DDPM (algorithm 2), with any schedule's numbers.
    package func residual(
        _ prepared: Prepared, settings: SamplingSettings, from state: LatentState? = nil,
        progress: (UpscaleProgress) throws -> Void = { _ in }
    ) rethrows -> FloatTensor {
        let scale = executor.configuration.scale
        let height = prepared.padded.height * scale, width = prepared.padded.width * scale
        var noise = settings.noise
        var x = state?.x ?? FloatTensor(height: height, width: width, channels: 3)
        let start = noise.field(draw: 0, height: height, width: width)      // of a state it is part already
        if state == nil { x.updateRows(threads: threads) { y, row in _ = row.update(from: start.row(y, width: width)) } }
        let sampler = state.map { settings.sampler.starting(at: $0.timestep, in: schedule) } ?? settings.sampler
        let steps = sampler.steps(of: schedule)
        // A row of x0₋₁, then the row of x0₋₂, as far as steps read them.
        let memory = steps.map(\.memory).max() ?? 0, length = width * 3
        var past = [Float](repeating: 0, count: height * length * memory)
        for (i, step) in steps.enumerated() {
            let fresh = step.sigma > 0 ? noise.field(draw: i + 1, height: height, width: width) : nil
            past.withUnsafeMutableBufferPointer { past in
                nonisolated(unsafe) let past = past      // rows do not overlap
                executor.predictNoise(in: &x, at: step.timestep, given: prepared.condition) { y, predicted, row in
                    let z = fresh?.row(y, width: width)
                    let past = UnsafeMutableBufferPointer(rebasing: past[y * length * memory..<(y + 1) * length * memory])
                    for j in row.indices {
                        let clean = step.clean(row[j], noise: predicted[j])
                        var next = step.next(row[j], clean: clean, z: z?[j] ?? 0)
                        if memory > 0 { next += step.c * past[j] }
                        if memory > 1 {
                            next += step.d * past[length + j]
                            past[length + j] = past[j]
                        }
                        if memory > 0 { past[j] = clean }
                        row[j] = next
                    }
                }
            }
            try progress(.step(done: i + 1, total: steps.count))
        }
        return x
    }

    /// 2 · bicubic(v / 256) − 1, v in 0…255: the published code divides by 256 here, and models are trained with that.
    private func enlarge(_ padded: Image) -> FloatTensor {
        let scale = executor.configuration.scale
        let rows = BicubicRows(padded, scaledBy: scale)
        var tensor = FloatTensor(height: rows.height, width: rows.width, channels: 3)
        tensor.updateRows(threads: threads) { y, row in _ = row.update(from: rows.networkRow(y)) }
        return tensor
    }

    /// Makes the result row by row from `row(y, enlarged row)`, both −1…1 and RGB, and gives it the image's own kind:
    /// its bit depth, gray or colour, its alpha (bicubic) and its metadata.
    private func compose(
        _ image: Image, padded: Image, row: @Sendable (_ y: Int, _ enlarged: [Float]) -> [Float]
    ) -> Image {
        let scale = executor.configuration.scale
        let width = image.width * scale, height = image.height * scale
        let rows = BicubicRows(padded, scaledBy: scale)
        let alpha = image.alpha?.resized(by: scale)
        let unit: Float = image.bitDepth == 8 ? 127.5 : 127.5 * 257
        let channels = image.channels, hasColor = image.hasColor, largest = Float(image.maximum)
        var samples = [UInt16](repeating: 0, count: width * height * channels)
        samples.updateRows(count: height, threads: threads) { y, out in
            let values = row(y, Array(rows.networkRow(y).prefix(width * 3)))
            func code(_ value: Float) -> UInt16 {
                UInt16(max(0, min(largest, ((value + 1) * unit).rounded(.toNearestOrEven))))
            }
            for x in 0..<width {
                let red = values[x * 3], green = values[x * 3 + 1], blue = values[x * 3 + 2], pixel = x * channels
                if hasColor {
                    out[pixel] = code(red)
                    out[pixel + 1] = code(green)
                    out[pixel + 2] = code(blue)
                } else {
                    out[pixel] = code((red + green + blue) / 3)
                }
                if let alpha { out[pixel + channels - 1] = alpha.samples[y * width + x] }
            }
        }
        var metadata = image.metadata
        metadata.scalePixelDensity(by: Double(scale))
        return Image(
            width: width, height: height, channels: channels, bitDepth: image.bitDepth, samples: samples, metadata: metadata
        )
    }
}

extension Configuration {
    /// The smallest low-resolution size, at least the given one, whose enlargement the network can halve all the way
    /// down, with two pixels left there: reflection needs a neighbour.
    public func paddedSize(width: Int, height: Int) -> (width: Int, height: Int) {
        func padded(_ side: Int) -> Int {
            let step = max(1, sizeMultiple / scale)
            let least = max(side, (2 * sizeMultiple + scale - 1) / scale)
            return (least + step - 1) / step * step
        }
        return (padded(width), padded(height))
    }
}

extension FloatTensor {
    /// −1…1. 16-bit images keep their precision.
    package init(networkInput image: Image) {
        let unit: Float = image.bitDepth == 8 ? 1 : 257
        self.init(
            shape: [image.height, image.width, 3], values: image.samples.map { Float($0) / unit / 127.5 - 1 }
        )
    }

    /// Calls `body` for every row of a feature map, over the threads.
    mutating func updateRows(threads: Int, _ body: @Sendable (Int, UnsafeMutableBufferPointer<Float>) -> Void) {
        values.updateRows(count: height, threads: threads, body)
    }
}

extension Array where Element: Sendable {
    /// Splits the array into `count` rows of the same length and calls `body` for each, over the threads.
    mutating func updateRows(
        count: Int, threads: Int, _ body: @Sendable (Int, UnsafeMutableBufferPointer<Element>) -> Void
    ) {
        withUnsafeMutableBufferPointer { all in
            let length = all.count / count
            nonisolated(unsafe) let all = all      // rows do not overlap
            Parallel.ranges(count, threads: threads) { range in
                for y in range { body(y, UnsafeMutableBufferPointer(rebasing: all[y * length..<(y + 1) * length])) }
            }
        }
    }
}

extension BicubicRows {
    /// One row of the published code's enlarged image, 2 · bicubic(v / 256) − 1 with v in 0…255.
    fileprivate func networkRow(_ y: Int) -> [Float] {
        var row: [Double] = []
        rows(y..<y + 1, into: &row)
        let unit = bitDepth == 8 ? 128.0 : 128.0 * 257
        return row.map { Float($0 / unit - 1) }
    }
}

extension Image {
    /// Red, green and blue alone; gray three times.
    fileprivate var opaqueRGB: Image {
        guard channels != 3 else { return self }
        var rgb: [UInt16] = []
        rgb.reserveCapacity(width * height * 3)
        for pixel in stride(from: 0, to: samples.count, by: channels) {
            for c in 0..<3 { rgb.append(samples[pixel + (hasColor ? c : 0)]) }
        }
        return Image(width: width, height: height, channels: 3, bitDepth: bitDepth, samples: rgb, metadata: metadata)
    }

    /// The opacity alone, as a gray image.
    fileprivate var alpha: Image? {
        guard hasAlpha else { return nil }
        let plane = stride(from: channels - 1, to: samples.count, by: channels).map { samples[$0] }
        return Image(width: width, height: height, channels: 1, bitDepth: bitDepth, samples: plane)
    }
}
