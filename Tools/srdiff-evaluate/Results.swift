import SRDMetrics
import SRDQuantizer
import SRDiff
import ToolSupport

/// What is measured; the raw value is its name in conditions, CSV and JSON.
enum Metric: String, CaseIterable {
    case psnr, psnr_y, ssim, ssim_gaussian, lpips, lpips_shift, grid, lr_psnr, psnr_to_reference, sigma, seconds

    var title: String {
        switch self {
        case .psnr: "PSNR"
        case .psnr_y: "PSNR-Y"
        case .ssim: "SSIM 7×7"
        case .ssim_gaussian: "SSIM 11×11"
        case .lpips: "LPIPS"
        case .lpips_shift: "LPIPS shifted"
        case .grid: "grid"
        case .lr_psnr: "LR-PSNR"
        case .psnr_to_reference: "to reference"
        case .sigma: "diversity σ"
        case .seconds: "seconds"
        }
    }

    var explanation: String {
        switch self {
        case .psnr: "dB against the original, RGB, nothing cut off"
        case .psnr_y: "dB of the luminance (BT.601), `scale` pixels cut off each side"
        case .ssim: "RGB, uniform 7×7 window, as the published results"
        case .ssim_gaussian: "RGB, Gaussian 11×11 window (Wang et al. 2004)"
        case .lpips: "perceptual distance (AlexNet 0.1): lower is better"
        case .lpips_shift: "mean LPIPS of four shifts and a resize by 1.5: lower is better"
        case .grid: "dB of energy at periods 2 and 4 px beyond the original's: 0 is best"
        case .lr_psnr: "dB of the result, reduced again, against what it was made from"
        case .psnr_to_reference: "dB against the reference's image, same noise"
        case .sigma: "standard deviation of a pixel over --samples, in 1/255"
        case .seconds: "to make an image, on this machine"
        }
    }

    static let help = "METRICS\n" + allCases.map { metric in
        let pad = String(repeating: " ", count: 19 - metric.rawValue.count)
        return "  \(metric.rawValue)\(pad)\(metric.explanation)"
    }.joined(separator: "\n")

    var decimals: Int {
        switch self {
        case .ssim, .ssim_gaussian, .lpips, .lpips_shift: 4
        default: 2
        }
    }

    /// nil where neither is.
    var higherIsBetter: Bool? {
        switch self {
        case .psnr, .psnr_y, .ssim, .ssim_gaussian, .lr_psnr, .psnr_to_reference: true
        case .lpips, .lpips_shift, .grid, .seconds: false
        case .sigma: nil
        }
    }

    func text(_ value: Double, signed: Bool = false) -> String {
        guard value.isFinite else { return value.isNaN ? "–" : value > 0 ? "∞" : "-∞" }
        let text = Text.fixed(value, decimals + (signed ? 1 : 0))
        return signed && value > 0 && text.contains(where: { "123456789".contains($0) }) ? "+" + text : text
    }
}

/// A model in the race.
struct Contestant {
    let name: String
    let loaded: LoadedModel
    let isReference: Bool
}

/// A way to make an image: a baseline, or a model with a sampler.
struct Run {
    let name: String
    /// Among the contestants; nil for bicubic.
    let contestant: Int?
    /// nil for the baselines.
    let schedule: TimestepSchedule?
    let isReference: Bool

    var label: String { schedule.map { "\(name) \($0.label)" } ?? name }
    var folder: String { schedule.map { "\(name)_\($0.label.map { $0 == " " ? "_" : String($0) }.joined())" } ?? name }
}

extension TimestepSchedule {
    var label: String {
        guard case .spaced(.ddim, let eta, let steps, _) = self, eta != 0 else { return "\(kind) \(steps)" }
        return "ddim \(steps) η=\(eta)"
    }

    /// Different for different steps.
    var identity: String {
        guard case .transitions(let transitions) = self else { return label }
        return "transitions " + transitions.map { "\($0.timestep):\($0.eta):\($0.order):\($0.corrects)" }.joined(separator: ",")
    }

    /// Without the steps.
    var kind: String {
        switch self {
        case .spaced(.ddim, let eta, _, _): eta == 0 ? "ddim" : "ddim η=\(eta)"
        case .spaced(let sampler, _, _, _): sampler.rawValue
        case .transitions: "searched"
        }
    }
}

/// All that was measured.
struct Results {
    struct Entry {
        let name, set: String
        let width, height: Int
        /// `[run][metric]`
        var values: [[Metric: Double]]
    }

    /// What a look inside an int8 model showed.
    struct Inside {
        let contestant: String
        let quality: Quality
        /// Worst first, by a layer's own error.
        var layers: [Quality.Layer] { quality.layers.sorted { ($0.own.decibels, $0.name) < ($1.own.decibels, $1.name) } }
        let image: String
    }

    /// An image that could not be measured.
    struct Failure {
        let path, reason: String
    }

    let runs: [Run]
    var failures: [Failure] = []
    var entries: [Entry] = []
    var inside: [Inside] = []

    var metrics: [Metric] { Metric.allCases.filter { metric in entries.contains { $0.values.contains { $0[metric] != nil } } } }
    var sets: [String] { entries.reduce(into: []) { if !$0.contains($1.set) { $0.append($1.set) } } }

    /// The run of the reference with the same sampler; nil for itself and the baselines.
    func reference(of run: Int) -> Int? {
        guard !runs[run].isReference, let schedule = runs[run].schedule else { return nil }
        return runs.firstIndex { $0.isReference && $0.schedule == schedule }
    }

    func sample(_ metric: Metric, run: Int, set: String? = nil) -> Sample? {
        let values = entries.filter { set == nil || $0.set == set }.compactMap { $0.values[run][metric] }
        return values.isEmpty ? nil : Sample(values)
    }

    /// Image by image, run − reference.
    func differences(_ metric: Metric, run: Int) -> Sample? {
        guard metric != .psnr_to_reference, let reference = reference(of: run) else { return nil }
        let values = entries.compactMap { entry -> Double? in
            guard let a = entry.values[run][metric], let b = entry.values[reference][metric] else { return nil }
            return a == b ? 0 : a - b
        }
        return values.isEmpty ? nil : Sample(values)
    }

    /// The worst value and its image.
    func worst(_ metric: Metric, run: Int) -> (value: Double, image: String)? {
        guard let higherIsBetter = metric.higherIsBetter else { return nil }
        let values = entries.compactMap { entry in entry.values[run][metric].map { (value: $0, image: entry.name) } }
        return higherIsBetter ? values.min { $0.value < $1.value } : values.max { $0.value < $1.value }
    }
}

/// `psnr_drop>0.1`
struct Condition {
    enum Side: String { case value = "", drop = "_drop", rise = "_rise" }

    let text: String
    let metric: Metric
    let side: Side
    private let comparison: String
    private let bound: Double

    var needsReference: Bool { side != .value || metric == .psnr_to_reference }

    init?(_ text: String) {
        guard let start = text.firstIndex(where: { "<>".contains($0) }) else { return nil }
        var comparison = String(text[start]), rest = text[text.index(after: start)...]
        if rest.first == "=" { comparison += "="; rest = rest.dropFirst() }
        func trimmed(_ text: Substring) -> String { text.split(whereSeparator: \.isWhitespace).joined(separator: " ") }
        let name = trimmed(text[..<start])
        let side: Side = name.hasSuffix("_drop") ? .drop : name.hasSuffix("_rise") ? .rise : .value
        guard let bound = Double(trimmed(rest)), bound.isFinite,
            let metric = Metric(rawValue: String(name.dropLast(side.rawValue.count))) else { return nil }
        guard side == .value || metric != .psnr_to_reference else { return nil }
        self.text = text
        self.metric = metric
        self.side = side
        self.comparison = comparison
        self.bound = bound
    }

    /// What to say of every run, the reference and the baselines excepted, that does not do. A number that could not be had does not.
    func failures(in results: Results) -> [String] {
        results.runs.indices.filter { results.runs[$0].schedule != nil && !results.runs[$0].isReference }.compactMap { run in
            let value = switch side {
            case .value: results.sample(metric, run: run)?.mean
            case .drop: results.differences(metric, run: run).map { -$0.mean }
            case .rise: results.differences(metric, run: run)?.mean
            }
            guard let value else { return "\(results.runs[run].label): \(metric.rawValue) could not be measured (\(text))" }
            let fails = switch comparison {
            case ">": value > bound
            case ">=": value >= bound
            case "<": value < bound
            default: value <= bound
            }
            let name = "\(results.runs[run].label): \(metric.rawValue)\(side.rawValue)"
            return fails ? "\(name) is \(Text.fixed(value, 4)) (\(text))" : nil
        }
    }
}
