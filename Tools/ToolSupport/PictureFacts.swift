import SRDImage
import SRDiff

/// What a picture keeps of how it was made.
public enum PictureFacts {
    /// The PNG text's keyword.
    public static let keyword = "srdiff"

    /// What it takes to sample a picture again.
    public static func sampled(
        _ model: LoadedModel, _ sampler: SamplerSchedule, seeds: [UInt64], _ generator: SamplingSettings.Generator
    ) -> [String] {
        let list = (seeds.count > 1 ? "seeds=" : "seed=") + seeds.map(String.init).joined(separator: ",")
        return ["model=\(model.sha256)"] + sampler.facts + [list, "rng=\(generator.rawValue)"]
    }

    public static func text(_ facts: [String]) -> String { (facts + ["version=\(ToolInfo.version)"]).joined(separator: " ") }
}

extension Picture {
    /// With the text of how it was made; nil for pixels alone.
    public func with(facts: [String]?) -> Picture {
        var picture = self
        guard let facts else {
            picture.metadata = PictureMetadata()
            return picture
        }
        picture.metadata.addText(keyword: PictureFacts.keyword, PictureFacts.text(facts))
        return picture
    }

    /// Whether it was made in just this way.
    public func has(facts: [String]) -> Bool {
        metadata.texts.contains { $0.keyword == PictureFacts.keyword && $0.text == PictureFacts.text(facts) }
    }
}
