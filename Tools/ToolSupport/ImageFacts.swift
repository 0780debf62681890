import SRDImage
import SRDModel

/// What an image keeps of how it was made.
public enum ImageFacts {
    /// The PNG text's keyword.
    public static let keyword = "srdiff"

    /// What it takes to sample an image again.
    public static func sampled(
        _ model: LoadedModel, _ sampler: SamplerSchedule, seeds: [UInt64], _ generator: SamplingSettings.Generator
    ) -> [String] {
        let list = (seeds.count > 1 ? "seeds=" : "seed=") + seeds.map(String.init).joined(separator: ",")
        return ["model=\(model.sha256)"] + sampler.facts + [list, "rng=\(generator.rawValue)"]
    }

    public static func text(_ facts: [String]) -> String { (facts + ["version=\(ToolInfo.version)"]).joined(separator: " ") }
}

extension Image {
    /// With the text of how it was made; nil for pixels alone.
    public func with(facts: [String]?) -> Image {
        var image = self
        guard let facts else {
            image.metadata = ImageMetadata()
            return image
        }
        image.metadata.addText(keyword: ImageFacts.keyword, ImageFacts.text(facts))
        return image
    }

    /// Whether it was made in just this way.
    public func has(facts: [String]) -> Bool {
        metadata.texts.contains { $0.keyword == ImageFacts.keyword && $0.text == ImageFacts.text(facts) }
    }
}
