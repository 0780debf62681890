import SRDImage
import SRDModel
import SRDTensor

/// The whole way from an image to an image `scale` times as large: encoder, sampler loop, residual.
///
/// Synchronous and CPU-bound; like its executor it must be used by one thread at a time.
public struct Pipeline {
    public let executor: Executor

    private var schedule: NoiseSchedule { executor.model.schedule }
    private var configuration: Configuration { executor.configuration }
    private var threads: Int { executor.threads }

    private let finiteness = Finiteness()

    public init(_ executor: Executor) { self.executor = executor }

    /// Whether the last image was made of finite numbers only. An image of others is worthless.
    public var isFinite: Bool { finiteness.firstFailure == nil }

    /// What all samples of one image, or of one region of its result, share.
    public struct Prepared {
        public let image: Image
        /// The region of the result that samples are of; nil for all of it.
        public let region: ResultRegion?
        fileprivate let window: Window
        /// The part of the image that lies under `padded`.
        fileprivate let part: Image
        /// What is sampled of the padded image, in RGB.
        let padded: Image
        package let condition: Executor.Condition
    }

    /// Pads an image to a size that the network can process, and encodes it.
    ///
    /// - Parameter fidelity: samples may have this fidelity, or 0.
    public func prepare(_ image: Image, fidelity: Fidelity = .sample) -> Prepared {
        prepare(image, window: wholeWindow(image), region: nil, fidelity: fidelity)
    }

    /// Encodes what a region of the result depends on. A sample of it is byte-identical with the same pixels of a
    /// sample of the whole; time and memory grow with the region.
    ///
    /// - Parameters:
    ///   - region: not empty, within the result; the network must be local: `Network.isLocal`. nil for the whole
    ///     result.
    ///   - settings: samples may have these settings, or others with the same fidelity and at most as many steps.
    public func prepare(_ image: Image, region: ResultRegion?, settings: SamplingSettings) -> Prepared {
        guard let region else { return prepare(image, fidelity: settings.fidelity) }
        let window = window(region, of: image, steps: settings.schedule.steps, fidelity: settings.fidelity)
        return prepare(image, window: window, region: region, fidelity: settings.fidelity)
    }

    private func prepare(_ image: Image, window: Window, region: ResultRegion?, fidelity: Fidelity) -> Prepared {
        let padded = padded(image, window.sampled)
        let condition = executor.encode(
            FloatTensor(networkInput: window.encoded == window.sampled ? padded : self.padded(image, window.encoded)),
            upsampled: configuration.hasUpsampledInput ? bicubicUpsample(padded) : nil, keeping: window.kept,
            keepsEncoderImage: fidelity.needsEncoderImage)
        return Prepared(
            image: image, region: region, window: window, part: part(image, window.sampled), padded: padded,
            condition: condition)
    }

    /// What the network reads of an image, for comparison; the bicubic upsample is nil for models without
    /// `hasUpsampledInput`.
    package func networkInputs(of image: Image) -> (lr: FloatTensor, upsampled: FloatTensor?) {
        let padded = padded(image, wholeWindow(image).sampled)
        return (FloatTensor(networkInput: padded), configuration.hasUpsampledInput ? bicubicUpsample(padded) : nil)
    }

    /// Samples the image once.
    ///
    /// - Parameters:
    ///   - state: x_t to continue from instead of noise; the schedule's steps below its timestep run.
    ///   - progress: called after each step with steps done and in all; throws to stop.
    public func upscale(
        _ prepared: Prepared, settings: SamplingSettings, from state: LatentState? = nil,
        progress: (_ done: Int, _ total: Int) throws -> Void = { _, _ in }
    ) rethrows -> Image {
        let residual = try residual(prepared, settings: settings, from: state, progress: progress)
        executor.releaseWorkspace()  // before the image takes its memory
        let fidelity = settings.fidelity
        return fidelity.needsEncoderImage ? image(of: residual, prepared, fidelity) : image(of: residual, prepared)
    }

    /// Returns x_t: the image's residual over the bicubic upsample, clamped as in training, with noise added up to
    /// `timestep` (DDPM eq. 4).
    ///
    /// - Parameter image: of the size of the result.
    public func diffuse(_ image: Image, over prepared: Prepared, to timestep: Int, settings: SamplingSettings)
        -> LatentState
    {
        precondition(prepared.region == nil, "a region cannot be diffused")
        let rows = bicubicRows(prepared.padded), width = rows.width
        let high = FloatTensor(networkInput: image.opaqueRGB.padded(width: width, height: rows.height))
        var noise = settings.noise
        let start = noise.field(draw: 0, height: rows.height, width: width)
        let signal = Float(schedule.signal[timestep]), strength = Float(schedule.noise[timestep])
        var x = FloatTensor(height: rows.height, width: width, channels: 3)
        x.updateRows(threads: threads) { y, row in
            let upsampled = rows.networkRow(y), z = start.row(y, width: width)
            for j in row.indices {
                let residual = (high.values[y * width * 3 + j] - upsampled[j]) * Configuration.residualGain
                row[j] = signal * max(-1, min(1, residual)) + strength * z[j]
            }
        }
        return LatentState(timestep: timestep, x: x)
    }

    /// Returns the encoder's image: one pass, no noise, no seed. The model must have its layers.
    ///
    /// - Parameter region: the part of the result to compute, as in `prepare`; nil for all of it.
    public func encoderImage(_ image: Image, region: ResultRegion? = nil) -> Image {
        let window =
            region.map { part in self.window(part, of: image, steps: 0, fidelity: .sample) } ?? wholeWindow(image)
        let output = executor.encoderImage(
            FloatTensor(networkInput: padded(image, window.encoded)), keeping: window.kept)
        finiteness.reset()
        output.values.withUnsafeBufferPointer { finiteness.check($0.baseAddress!, count: $0.count, timestep: 0) }
        let encoded = output.clampedToNetworkRange
        var composer = composer(part(image, window.sampled), padded: padded(image, window.sampled), window)
        composer.compose(composer.rows) { y, upsampled in
            Array(encoded.values[y * encoded.width * 3..<y * encoded.width * 3 + upsampled.count])
        }
        return composer.finished()
    }

    /// Returns the image that the residual x_0 makes with the bicubic upsample.
    package func image(of residual: FloatTensor, _ prepared: Prepared) -> Image {
        var composer = composer(prepared)
        composer.compose(composer.rows) { y, upsampled in Self.sample(residual, row: y, upsampled) }
        return composer.finished()
    }

    /// Returns the image that the residual x_0 makes with the bicubic upsample, corrected by the encoder's image. It is
    /// composed while the encoder's image is computed.
    private func image(of residual: FloatTensor, _ prepared: Prepared, _ fidelity: Fidelity) -> Image {
        var composer = composer(prepared), composed = composer.rows.lowerBound
        let correction = FidelityCorrection(
            of: residual, bicubicRows(prepared.padded), fidelity, bandRows: executor.bandRows(width: residual.width),
            finiteness)
        executor.encoderImage(of: prepared.condition) { y, encoded in
            correction.store(y, encoded)
        } finished: { stored in
            let end = composer.rows.upperBound
            let ready = stored.upperBound == residual.height ? end : min(end, stored.upperBound - correction.radius)
            guard ready > composed else { return }
            composer.compose(composed..<ready) { y, upsampled in
                var row = Self.sample(residual, row: y, upsampled)
                correction.add(to: &row, y)
                return row
            }
            composed = ready
        }
        return composer.finished()
    }

    private func composer(_ prepared: Prepared) -> ImageComposer {
        composer(prepared.part, padded: prepared.padded, prepared.window)
    }

    private func composer(_ part: Image, padded: Image, _ window: Window) -> ImageComposer {
        let scale = configuration.scale
        return ImageComposer(
            part, bicubicRows(padded), region: window.local(scale: scale), scale: scale, threads: threads)
    }

    private func bicubicRows(_ padded: Image) -> BicubicRows { BicubicRows(padded, scaledBy: configuration.scale) }

    /// Row y of the sample: the residual, clamped as in training, over the bicubic upsample, as far as that goes.
    static func sample(_ residual: FloatTensor, row y: Int, _ upsampled: [Float]) -> [Float] {
        let row = residual.values[y * residual.width * 3..<y * residual.width * 3 + upsampled.count]
        return zip(row, upsampled).map { max(-1, min(1, $0)) / Configuration.residualGain + $1 }
    }

    /// Returns x_0 `[H, W, 3]` of the padded size: the reverse process (DDPM, algorithm 2) with any schedule's
    /// coefficients.
    ///
    /// - Parameter onStep: called before each step with x_t, for comparison.
    package func residual(
        _ prepared: Prepared, settings: SamplingSettings, from state: LatentState? = nil,
        progress: (_ done: Int, _ total: Int) throws -> Void = { _, _ in },
        onStep: ((_ x: FloatTensor, _ timestep: Int) -> Void)? = nil
    ) rethrows -> FloatTensor {
        let scale = configuration.scale, height = prepared.padded.height * scale, width = prepared.padded.width * scale
        precondition(state == nil || prepared.region == nil, "a region starts from noise")
        // Noise belongs to the pixel of the whole image.
        let whole = configuration.paddedSize(width: prepared.image.width, height: prepared.image.height)
        let left = prepared.window.sampled.columns.lowerBound * scale,
            top = prepared.window.sampled.rows.lowerBound * scale
        let columns = left..<left + width
        var noise = settings.noise
        func field(draw: Int) -> NoiseField {
            noise.field(draw: draw, height: whole.height * scale, width: whole.width * scale)
        }
        var x = state?.x ?? FloatTensor(height: height, width: width, channels: 3)
        let start = field(draw: 0)  // a state contains it already
        if state == nil {
            x.updateRows(threads: threads) { y, row in _ = row.update(from: start.row(top + y, columns: columns)) }
        }
        let timesteps = state.map { settings.schedule.starting(at: $0.timestep, in: schedule) } ?? settings.schedule
        let steps = timesteps.steps(of: schedule)
        // Per row of the image: a row of x0₋₁, then a row of x0₋₂, as far as steps read them.
        let memory = steps.map(\.memory).max() ?? 0, length = width * 3
        var past = [Float](repeating: 0, count: height * length * memory)
        let finiteness = finiteness
        finiteness.reset()
        for (i, step) in steps.enumerated() {
            onStep?(x, step.timestep)
            let fresh = step.sigma > 0 ? field(draw: i + 1) : nil
            past.withUnsafeMutableBufferPointer { past in
                nonisolated(unsafe) let past = past  // rows do not overlap
                executor.predictNoise(in: &x, at: step.timestep, given: prepared.condition) { y, predicted, row in
                    finiteness.check(predicted, count: length, timestep: step.timestep)
                    let z = fresh?.row(top + y, columns: columns)
                    let past = UnsafeMutableBufferPointer(
                        rebasing: past[y * length * memory..<(y + 1) * length * memory])
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
            try progress(i + 1, steps.count)
        }
        return x
    }

    /// Some pixels of the padded image.
    private func padded(_ image: Image, _ part: MapPart) -> Image {
        image.window(columns: part.columns, rows: part.rows).opaqueRGB
    }

    /// The pixels of the image itself that lie in a part of the padded one.
    private func part(_ image: Image, _ part: MapPart) -> Image {
        image.window(columns: part.columns.clamped(to: 0..<image.width), rows: part.rows.clamped(to: 0..<image.height))
    }

    private func window(_ region: ResultRegion, of image: Image, steps: Int, fidelity: Fidelity) -> Window {
        precondition(executor.model.network.isLocal, "attention reads the whole image")
        return Window(
            region, of: executor.model.network, width: image.width, height: image.height, steps: steps,
            fidelity: fidelity)
    }

    private func wholeWindow(_ image: Image) -> Window { Window(wholeOf: image, configuration) }

    private func bicubicUpsample(_ padded: Image) -> FloatTensor {
        let rows = bicubicRows(padded)
        var tensor = FloatTensor(height: rows.height, width: rows.width, channels: 3)
        tensor.updateRows(threads: threads) { y, row in _ = row.update(from: rows.networkRow(y)) }
        return tensor
    }
}
