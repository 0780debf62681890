import SRDiff
import SRDMetrics
import ToolSupport

/// What the samples of one image have in common and where they differ, gathered sample by sample.
struct SampleSummary {
    private var statistics: SampleStatistics?
    private var sheet: ContactSheet
    /// Samples, the first at 1: before them comes the bicubic upsample.
    private var count = 0
    private let low: Image
    private let scale: Int

    init(of low: Image, seeds: [UInt64], scale: Int) {
        self.low = low
        self.scale = scale
        sheet = ContactSheet(
            ["bicubic"] + seeds.map { "seed \($0)" } + ["mean", "σ 0 to 255"],
            width: low.width * scale, height: low.height * scale)
    }

    mutating func add(_ image: Image) {
        if statistics == nil { statistics = SampleStatistics(image) } else { statistics!.add(image) }
        count += 1
        sheet.place(image, at: count)
    }

    /// On a scale of 0 to 255.
    var sigma: Double { statistics!.sigma }
    /// σ of the map's white.
    var white: Double { statistics!.map.white }

    func image(_ summary: Job.Summary) -> Image {
        switch summary {
        case .mean: return statistics!.mean
        case .sigma: return statistics!.map.image
        case .sheet:
            var sheet = sheet
            sheet.place(low.resized(by: scale), at: 0)
            sheet.place(statistics!.mean, at: count + 1)
            let map = statistics!.map
            sheet.place(map.image, at: count + 2, label: "σ 0 to \(Text.short(map.white))")
            return sheet.image
        }
    }

    /// For the image's text.
    func fact(_ summary: Job.Summary) -> String {
        switch summary {
        case .mean: "mean sigma=\(Text.fixed(sigma, 3))"
        case .sigma: "sigma=\(Text.fixed(sigma, 3)) white=\(Text.fixed(white, 3))"
        case .sheet: "sheet sigma=\(Text.fixed(sigma, 3))"
        }
    }
}
