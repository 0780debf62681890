import ServeHTTP
import SRDiff

/// The parameters of a job as the client wrote them, from the query or from form fields.
struct Parameters {
    /// Names that describe a job.
    static let job: Set<String> = ["model", "steps", "fidelity", "seed", "samples", "format", "quality", "name"]
    /// The greatest integer that JSON numbers hold in every language.
    static let maximumSeed = 1 << 53 - 1

    private var values: [String: String] = [:]

    /// Adds a parameter. Throws `Problem` 400 for an unknown name and for one that occurs twice.
    mutating func add(_ name: String, _ value: String, allowed: Set<String>) throws(Problem) {
        guard allowed.contains(name) else {
            throw Problem(
                .badRequest,
                "there is no parameter of this name (expected \(allowed.sorted().joined(separator: ", ")))",
                field: String(name.prefix(64)))
        }
        guard values.updateValue(value, forKey: name) == nil else {
            throw Problem(.badRequest, "\(name) occurs twice", field: name)
        }
    }

    /// Replaces values by those of a form.
    mutating func replace(by form: Parameters) {
        values.merge(form.values) { $1 }
    }

    init() {}

    /// Reads a query.
    init(_ query: [HTTPField], allowed: Set<String>) throws(Problem) {
        for field in query { try add(field.name, field.value, allowed: allowed) }
    }

    subscript(name: String) -> String? { values[name] }

    func integer(_ name: String, in range: ClosedRange<Int>) throws(Problem) -> Int? {
        guard let text = values[name] else { return nil }
        let isNumber = !text.isEmpty && text.utf8.count <= 17 && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
        guard isNumber, let value = Int(text), range.contains(value) else {
            throw Problem(
                .badRequest, "\(name) must be an integer from \(range.lowerBound) to \(range.upperBound)", field: name)
        }
        return value
    }

    /// Returns what is asked of the model for this image, with the defaults filled in.
    func options(for image: JobImage, _ service: Service) throws(Problem) -> JobOptions {
        let settings = service.settings, models = service.models
        var model = models.standard(isLossy: image.isLossy)
        if let name = values["model"] {
            guard let named = models[name] else {
                let names = models.all.map(\.name).joined(separator: ", ")
                throw Problem(.badRequest, "there is no model of this name (expected \(names))", field: "model")
            }
            model = named
        }
        let maximumSteps = min(settings.maximumSteps, model.loaded.schedule.timesteps)
        let steps = try integer("steps", in: 1...maximumSteps) ?? model.defaultSteps
        var fidelity = model.defaultFidelity(steps: steps)
        if let text = values["fidelity"] {
            let isNumber =
                text.utf8.count <= 32
                && text.utf8.allSatisfy { (0x30...0x39).contains($0) || "+-.eE".utf8.contains($0) }
            guard isNumber, let value = Float(text), let checked = Fidelity(value) else {
                throw Problem(.badRequest, "fidelity must be a number from 0 to 1", field: "fidelity")
            }
            guard model.loaded.hasPreview || !checked.needsEncoderImage else {
                throw Problem(.badRequest, "the model \(model.name) has no fidelity", field: "fidelity")
            }
            fidelity = value
        }
        let format = try format(for: image)
        return JobOptions(
            model: model.name, steps: steps, fidelity: fidelity,
            seed: UInt64(try integer("seed", in: 0...Self.maximumSeed) ?? 0),
            samples: try integer("samples", in: 1...settings.maximumSamples) ?? 1, format: format,
            quality: try integer("quality", in: 1...100) ?? EncodingOptions.defaultQuality)
    }

    /// The image's own format by default, PNG for PNM, which holds no metadata: as srdiff-upscale decides.
    private func format(for image: JobImage) throws(Problem) -> ImageFormat {
        var format: ImageFormat = image.format == .pnm ? .png : image.format
        if let name = values["format"] {
            guard let named = ImageFormat.allCases.first(where: { $0.name.lowercased() == name }) else {
                let names = ImageFormat.allCases.map { $0.name.lowercased() }.joined(separator: ", ")
                throw Problem(.badRequest, "format must be one of \(names)", field: "format")
            }
            format = named
        }
        guard format.isAvailable else {
            throw Problem(
                .unprocessable, "\(format.name) cannot be written on this machine: \(format.package ?? "") is missing",
                field: "format")
        }
        let hasAlpha = image.channels == 2 || image.channels == 4
        guard !hasAlpha || format.holdsAlpha else {
            throw Problem(
                .unprocessable, "the image is transparent, which \(format.name) cannot hold; use png or webp",
                field: "format")
        }
        return format
    }
}
