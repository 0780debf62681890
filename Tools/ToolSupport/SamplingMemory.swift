import SRDImage
import SRDModel

extension LoadedModel {
    /// Bytes that sampling an image of this (padded) size takes.
    ///
    /// - Parameters:
    ///   - bytesPerPixel: of the result.
    ///   - extra: bytes that the tool itself keeps for each pixel of the result.
    public func samplingMemory(
        lowWidth: Int, lowHeight: Int, sampler: SamplerSchedule, generator: SamplingSettings.Generator,
        bytesPerPixel: Int, extra: Int = 0
    ) -> Int {
        // Beside the executor: x_t, the noise where it is drawn for all pixels at once, earlier x0 and, of a float model, the
        // prediction; the result's samples and its file.
        let fields = 1 + (generator == .torch ? 3 : 0) + sampler.memory + (isFloat ? 2 : 0)
        return memoryEstimate(lowWidth: lowWidth, lowHeight: lowHeight, preview: false)
            + lowWidth * lowHeight * configuration.scale * configuration.scale * (fields * 12 + 3 * 2 + 2 * bytesPerPixel + extra)
            + Self.programMemory
    }

    /// Bytes of the program itself.
    public static let programMemory = 12 << 20
}

extension Machine {
    /// Throws unless so many bytes can be had.
    public static func checkMemory(_ bytes: Int, for image: String) throws {
        guard let available = AvailableMemory.now(), bytes > available.bytes else { return }
        throw ToolError("""
            \(image) needs about \(Text.bytes(bytes)) of memory, and \(Text.bytes(available.bytes)) are \
            \(available.limit): use a smaller image, or --force
            """)
    }
}
