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

    /// What all samples of one image share.
    public struct Prepared {
        public let image: Image
        let padded: Image
        package let condition: Executor.Condition
    }

    /// Pads an image to a size that the network can process, and encodes it.
    ///
    /// - Parameter fidelity: samples may have this fidelity, or 0.
    public func prepare(_ image: Image, fidelity: Fidelity = .sample) -> Prepared {
        let padded = padded(image), inputs = networkInputs(padded)
        return Prepared(
            image: image, padded: padded, condition: executor.encode(
            inputs.lr, upsampled: inputs.upsampled, keepsEncoderImage: fidelity.needsEncoderImage))
    }

    /// What the network reads of a padded image; the bicubic upsample is nil for models without `hasEnlargedInput`.
    private func networkInputs(_ padded: Image) -> (lr: FloatTensor, upsampled: FloatTensor?) {
        (FloatTensor(networkInput: padded), configuration.hasEnlargedInput ? bicubicUpsample(padded) : nil)
    }

    /// What the network reads of an image, for comparison.
    package func networkInputs(of image: Image) -> (lr: FloatTensor, upsampled: FloatTensor?) { networkInputs(padded(image)) }

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
        executor.releaseWorkspace()                        // before the image takes its memory
        let fidelity = settings.fidelity
        return fidelity.needsEncoderImage ? image(of: residual, prepared, fidelity) : image(of: residual, prepared)
    }

    /// Returns x_t: the image's residual over the bicubic upsample, clamped as in training, with noise added up to `timestep` (DDPM eq. 4).
    ///
    /// - Parameter image: of the size of the result.
    public func diffuse(_ image: Image, over prepared: Prepared, to timestep: Int, settings: SamplingSettings) -> LatentState {
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
    public func encoderImage(_ image: Image) -> Image {
        let padded = padded(image)
        let output = executor.encoderImage(FloatTensor(networkInput: padded))
        finiteness.reset()
        output.values.withUnsafeBufferPointer { finiteness.check($0.baseAddress!, count: $0.count, timestep: 0) }
        let encoded = output.clampedToNetworkRange
        var composer = composer(image, padded: padded)
        composer.compose(0..<composer.height) { y, upsampled in
            Array(encoded.values[y * encoded.width * 3..<y * encoded.width * 3 + upsampled.count])
        }
        return composer.finished()
    }

    /// Returns the image that the residual x_0 makes with the bicubic upsample.
    package func image(of residual: FloatTensor, _ prepared: Prepared) -> Image {
        var composer = composer(prepared.image, padded: prepared.padded)
        composer.compose(0..<composer.height) { y, upsampled in Self.sample(residual, row: y, upsampled) }
        return composer.finished()
    }

    /// Returns the image that the residual x_0 makes with the bicubic upsample, with the low band of the encoder's image. It is composed
    /// while the encoder's image is computed.
    private func image(of residual: FloatTensor, _ prepared: Prepared, _ fidelity: Fidelity) -> Image {
        var composer = composer(prepared.image, padded: prepared.padded), composed = 0
        let correction = LowBandCorrection(
            of: residual, bicubicRows(prepared.padded), kernel: fidelity.kernel, bandRows: executor.bandRows(width: residual.width),
            finiteness)
        executor.encoderImage(of: prepared.condition) { y, encoded in
            correction.store(y, encoded)
        } finished: { stored in
            let ready = stored.upperBound == residual.height ? composer.height : min(composer.height, stored.upperBound - correction.radius)
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

    private func composer(_ image: Image, padded: Image) -> ImageComposer {
        ImageComposer(image, bicubicRows(padded), scale: configuration.scale, threads: threads)
    }

    private func bicubicRows(_ padded: Image) -> BicubicRows { BicubicRows(padded, scaledBy: configuration.scale) }

    /// Row y of the sample: the residual, clamped as in training, over the bicubic upsample, as far as that goes.
    static func sample(_ residual: FloatTensor, row y: Int, _ upsampled: [Float]) -> [Float] {
        let row = residual.values[y * residual.width * 3..<y * residual.width * 3 + upsampled.count]
        return zip(row, upsampled).map { max(-1, min(1, $0)) / Configuration.residualGain + $1 }
    }

    /// Returns x_0 `[H, W, 3]` of the padded size: the reverse process (DDPM, algorithm 2) with any schedule's coefficients.
    ///
    /// - Parameter onStep: called before each step with x_t, for comparison.
    package func residual(
        _ prepared: Prepared, settings: SamplingSettings, from state: LatentState? = nil,
        progress: (_ done: Int, _ total: Int) throws -> Void = { _, _ in },
        onStep: ((_ x: FloatTensor, _ timestep: Int) -> Void)? = nil
    ) rethrows -> FloatTensor {
        let height = prepared.padded.height * configuration.scale, width = prepared.padded.width * configuration.scale
        var noise = settings.noise
        var x = state?.x ?? FloatTensor(height: height, width: width, channels: 3)
        let start = noise.field(draw: 0, height: height, width: width)      // a state contains it already
        if state == nil { x.updateRows(threads: threads) { y, row in _ = row.update(from: start.row(y, width: width)) } }
        let timesteps = state.map { settings.schedule.starting(at: $0.timestep, in: schedule) } ?? settings.schedule
        let steps = timesteps.steps(of: schedule)
        // Per row of the image: a row of x0₋₁, then a row of x0₋₂, as far as steps read them.
        let memory = steps.map(\.memory).max() ?? 0, length = width * 3
        var past = [Float](repeating: 0, count: height * length * memory)
        let finiteness = finiteness
        finiteness.reset()
        for (i, step) in steps.enumerated() {
            onStep?(x, step.timestep)
            let fresh = step.sigma > 0 ? noise.field(draw: i + 1, height: height, width: width) : nil
            past.withUnsafeMutableBufferPointer { past in
                nonisolated(unsafe) let past = past      // rows do not overlap
                executor.predictNoise(in: &x, at: step.timestep, given: prepared.condition) { y, predicted, row in
                    finiteness.check(predicted, count: length, timestep: step.timestep)
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
            try progress(i + 1, steps.count)
        }
        return x
    }

    private func padded(_ image: Image) -> Image {
        let size = configuration.paddedSize(width: image.width, height: image.height)
        return image.opaqueRGB.padded(width: size.width, height: size.height)
    }

    private func bicubicUpsample(_ padded: Image) -> FloatTensor {
        let rows = bicubicRows(padded)
        var tensor = FloatTensor(height: rows.height, width: rows.width, channels: 3)
        tensor.updateRows(threads: threads) { y, row in _ = row.update(from: rows.networkRow(y)) }
        return tensor
    }
}
