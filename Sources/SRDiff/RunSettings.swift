/// The settings of a run, as they are kept in the image that it makes: `key=value` pairs that are enough to repeat it.
public enum RunSettings {
    /// The keyword of the PNG text.
    public static let keyword = "srdiff"

    /// Returns the settings of a sample.
    public static func sampled(
        _ model: LoadedModel, _ settings: SamplingSettings, seeds: [UInt64]
    ) -> [String] {
        let list = (seeds.count > 1 ? "seeds=" : "seed=") + seeds.map(String.init).joined(separator: ",")
        let fidelity = settings.fidelity == .sample ? [] : ["fidelity=\(settings.fidelity.value)"]
        return ["model=\(model.sha256)"] + settings.schedule.settings + fidelity + [
            list, "rng=\(settings.generator.rawValue)",
        ]
    }

    /// Returns the setting of a run that computed only some rows of the result.
    public static func rows(_ rows: Range<Int>, of height: Int) -> String {
        "rows=\(rows.lowerBound):\(rows.upperBound)/\(height)"
    }

    /// Splits the text of such a run into its rows, the height of the whole result, and the other settings; nil without
    /// rows.
    public static func splitRows(_ text: String) -> (rows: Range<Int>, height: Int, others: String)? {
        let settings = text.split(separator: " ", omittingEmptySubsequences: false)
        guard let setting = settings.first(where: { $0.hasPrefix("rows=") }) else { return nil }
        let numbers = setting.dropFirst("rows=".count).split { $0 == ":" || $0 == "/" }.compactMap { Int($0) }
        guard numbers.count == 3, 0 <= numbers[0], numbers[0] < numbers[1], numbers[1] <= numbers[2] else { return nil }
        return (numbers[0]..<numbers[1], numbers[2], settings.filter { $0 != setting }.joined(separator: " "))
    }

    public static func text(_ settings: [String]) -> String {
        (settings + ["version=\(SRDiffVersion.string)"]).joined(separator: " ")
    }
}

extension TimestepSchedule {
    /// The schedule as settings of a run.
    public var settings: [String] {
        switch self {
        case .spaced(let sampler, let eta, let steps, let spacing):
            var settings = ["sampler=\(sampler.rawValue)", "steps=\(steps)"]
            if sampler.takesEta { settings.append("eta=\(eta)") }
            return settings + (spacing == .uniform ? [] : ["spacing=\(spacing.rawValue)"])
        case .transitions(let transitions): return ["sampler=searched", "steps=\(transitions.count)"]
        }
    }
}

extension Image {
    /// Returns the image with the settings of the run that made it, or pixels only for nil: they are rotated if the
    /// metadata say so.
    public func with(runSettings: [String]?) -> Image {
        var image = self
        guard let runSettings else {
            image = withOrientationApplied()
            image.metadata = ImageMetadata()
            return image
        }
        image.metadata.addText(keyword: RunSettings.keyword, RunSettings.text(runSettings))
        return image
    }

    /// Whether the image was made by a run with these settings.
    public func has(runSettings: [String]) -> Bool {
        metadata.texts.contains { $0.keyword == RunSettings.keyword && $0.text == RunSettings.text(runSettings) }
    }
}
