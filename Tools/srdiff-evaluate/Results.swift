import SRDMetrics
import SRDQuantizer
import SRDiff

/// The measurements of all images and runs.
struct Results {
    struct Entry {
        let name, set: String
        let width, height: Int
        /// `[run][metric]`
        var values: [[Metric: Double]]
    }

    /// The errors of an int8 model's layers and predicted noise.
    struct Inside {
        let contestant: String
        let quality: Quality
        /// The layers, those with the greatest error of their own first.
        var layers: [Quality.Layer] {
            quality.layers.sorted { ($0.own.decibels, $0.name) < ($1.own.decibels, $1.name) }
        }
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

    var metrics: [Metric] {
        Metric.allCases.filter { metric in entries.contains { $0.values.contains { $0[metric] != nil } } }
    }
    var sets: [String] { entries.reduce(into: []) { if !$0.contains($1.set) { $0.append($1.set) } } }

    /// The images of a plan that were measured, in the order of `entries`.
    func measured(of plan: EvaluationPlan) -> [ImageSet.Entry] {
        plan.sets.flatMap(\.entries).filter { entry in entries.contains { $0.name == entry.name } }
    }

    /// The index of the reference's run with the same sampler; nil for the reference itself and the baselines.
    func reference(of run: Int) -> Int? {
        guard !runs[run].isReference, let schedule = runs[run].schedule else { return nil }
        return runs.firstIndex { $0.isReference && $0.schedule == schedule }
    }

    func sample(_ metric: Metric, run: Int, set: String? = nil) -> Sample? {
        let values = entries.filter { set == nil || $0.set == set }.compactMap { $0.values[run][metric] }
        return values.isEmpty ? nil : Sample(values)
    }

    /// The differences run − reference, image by image.
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
