import ServeHTTP
import SRDiff

/// What an upload's header says, before a pixel is decoded.
enum ImageInspection {
    /// Throws `Problem` 415 for what is no image of a known format, 422 for a damaged one, 413 for one that is too
    /// large.
    static func image(_ path: String, _ service: Service) throws -> JobImage {
        let header: ImageHeader, bytes = Files.size(path) ?? 0
        do {
            header = try Files.withBytes(path) { bytes in
                try Result { () throws(ImageError) in try ImageHeader(parsing: bytes) }.get()
            }
        } catch let error as ImageError {
            switch error {
            case .empty, .unknownFormat, .foreignFormat:
                throw Problem(.unsupportedMediaType, "\(error)", field: "file")
            default: throw Problem(.unprocessable, "\(error)", field: "file")
            }
        }
        let limit = service.settings.megapixels * 1_000_000
        guard header.width <= limit / max(1, header.height) else {
            throw Problem(
                .lengthTooLarge,
                "\(header.width)×\(header.height) pixels exceed the limit of \(service.settings.megapixels) million",
                field: "file")
        }
        guard header.format.isAvailable else {
            throw Problem(.unsupportedMediaType, "\(ImageError.codecMissing(header.format))", field: "file")
        }
        return JobImage(
            format: header.format, width: header.width, height: header.height, channels: header.channels, bytes: bytes,
            isLossy: header.isLossy)
    }

    /// Throws `Problem` if the result would be too large for its format or for this machine's memory.
    static func check(_ image: JobImage, _ options: JobOptions, _ service: Service) throws(Problem) {
        guard let model = service.models[options.model] else { return }
        let side = max(image.width, image.height) * model.scale
        guard side <= options.format.maximumSide else {
            let error = ImageError.sizeNotSupported(
                options.format, width: image.width * model.scale, height: image.height * model.scale)
            throw Problem(.unprocessable, "the result is too large for its format: \(error)", field: "format")
        }
        guard let memory = service.memory, let fidelity = Fidelity(options.fidelity),
            let schedule = try? model.loaded.schedule(for: ScheduleRequest(steps: .count(options.steps)))
        else { return }
        let size = model.loaded.configuration.paddedSize(width: image.width, height: image.height)
        let needed = MemoryEstimate.sampling(
            model.loaded.model, lrWidth: size.width, lrHeight: size.height,
            settings: SamplingSettings(schedule: schedule, seed: 0, fidelity: fidelity), bytesPerPixel: image.channels)
        guard needed <= memory else {
            throw Problem(
                .lengthTooLarge,
                """
                an image of \(image.width)×\(image.height) pixels requires about \(ByteCount.text(needed)) of memory, \
                and this machine has \(ByteCount.text(memory)): use a smaller image
                """, field: "file")
        }
    }
}
