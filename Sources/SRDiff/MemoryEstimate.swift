/// The memory that a sample of one image takes, before any of its pixels is read.
public enum MemoryEstimate {
    /// Bytes of the program itself.
    public static let program = 12 << 20

    /// Returns the bytes of sampling an image.
    ///
    /// - Parameters:
    ///   - model: the model.
    ///   - lrWidth: the padded width of the low-resolution image.
    ///   - lrHeight: its padded height.
    ///   - settings: schedule and fidelity of the sample.
    ///   - bytesPerPixel: of the result, in its file's samples.
    ///   - extra: bytes that the caller keeps per pixel of the result.
    public static func sampling(
        _ model: Model, lrWidth: Int, lrHeight: Int, settings: SamplingSettings, bytesPerPixel: Int, extra: Int = 0
    ) -> Int {
        // Besides the executor: x_t, noise that is drawn for all pixels at once, earlier x0; the result's samples and
        // its file.
        let fields = 1 + (settings.generator == .torch ? 3 : 0) + settings.schedule.memory
        return executor(model, lrWidth: lrWidth, lrHeight: lrHeight, preview: false, fidelity: settings.fidelity)
            + pixels(model, lrWidth, lrHeight) * (fields * 12 + 3 * 2 + 2 * bytesPerPixel + extra) + program
    }

    /// Returns the bytes of making the encoder's image; `model` is nil for a bicubic upsample.
    public static func encoderImage(
        _ model: Model?, scale: Int, lrWidth: Int, lrHeight: Int, bytesPerPixel: Int, extra: Int = 0
    ) -> Int {
        let executor =
            model.map { Self.executor($0, lrWidth: lrWidth, lrHeight: lrHeight, preview: true, fidelity: .sample) } ?? 0
        return executor + lrWidth * lrHeight * scale * scale * (2 * 12 + 3 * 2 + 2 * bytesPerPixel + extra) + program
    }

    /// Returns the bytes of computing a region of a result, not counting the low-resolution image.
    ///
    /// - Parameters:
    ///   - region: the region, in pixels of the result.
    ///   - model: the model.
    ///   - width: the width of the low-resolution image.
    ///   - height: its height.
    ///   - settings: schedule and fidelity of the sample; nil for the encoder's image.
    ///   - channels: of the image.
    public static func region(
        _ region: ResultRegion, of model: Model, width: Int, height: Int, settings: SamplingSettings?, channels: Int
    ) -> Int {
        let scale = model.configuration.scale, fidelity = settings?.fidelity ?? .sample
        let window = Window(
            region, of: model.network, width: width, height: height, steps: settings?.schedule.steps ?? 0,
            fidelity: fidelity)
        let size = model.configuration.paddedSize(width: width, height: height)
        let sampled = window.sampled.count, result = region.columns.count * region.rows.count
        // x_t and earlier x0, or two maps of the encoder's image; torch's noise for all pixels at once; samples and
        // float input.
        let fields = settings.map { 1 + $0.schedule.memory } ?? 2
        let torch = settings?.generator == .torch ? 3 * pixels(model, size.width, size.height) : 0
        let inputs = sampled * 2 * (channels + 3) + window.encoded.count * 2 * 15
        return Executor.memoryEstimate(model, window, preview: settings == nil, fidelity: fidelity)
            + (sampled * scale * scale * fields + torch) * 12 + inputs + result * 2 * channels + program
    }

    private static func executor(
        _ model: Model, lrWidth: Int, lrHeight: Int, preview: Bool, fidelity: Fidelity
    ) -> Int {
        Executor.memoryEstimate(model, lrWidth: lrWidth, lrHeight: lrHeight, preview: preview, fidelity: fidelity)
    }

    private static func pixels(_ model: Model, _ lrWidth: Int, _ lrHeight: Int) -> Int {
        lrWidth * lrHeight * model.configuration.scale * model.configuration.scale
    }

    /// Throws `SRDiffError.exceedsMemory` if this many bytes are not available.
    public static func check(_ bytes: Int, for subject: String) throws(SRDiffError) {
        guard let available = AvailableMemory.now(), bytes > available.bytes else { return }
        throw .exceedsMemory(subject: subject, needed: bytes, available: available.bytes, limit: available.limit)
    }
}
