import SRDFile
import SRDMetrics
import SRDQuantizer
import SRDiff
import ToolSupport

/// Results as tables, JSON and CSV.
struct TextReport {
    let results: Results
    let plan: EvaluationPlan
    let showsLayers: Bool

    private static let shownLayers = 12

    var text: String {
        var tables = [means] + results.metrics.map(table)
        if showsLayers { tables += results.inside.map { layers($0, limit: Self.shownLayers) } }
        return tables.map(\.text).joined(separator: "\n\n")
    }

    /// A line for each set and run.
    var means: Table {
        let sets = results.sets.count > 1 ? results.sets.map { Optional($0) } + [nil] : [nil]
        let metrics = results.metrics
        var rows: [[String]] = []
        for set in sets {
            let count = results.entries.filter { set == nil || $0.set == set }.count
            for (i, run) in results.runs.enumerated() {
                rows.append(
                    [(set.map { "\($0): " } ?? (sets.count > 1 ? "all: " : "")) + run.label, String(count)]
                        + metrics.map { metric in
                            results.sample(metric, run: i, set: set).map { metric.text($0.mean) } ?? ""
                        })
            }
        }
        return Table(
            ["", "images"] + metrics.map(\.title), rows, right: Set(1...metrics.count + 1), title: "MEANS",
            note: plan.degradation.map { "Low-resolution images are degraded: \($0)." } ?? "")
    }

    func table(_ metric: Metric) -> Table {
        let hasReference = results.runs.indices.contains { results.differences(metric, run: $0) != nil }
        let heading =
            ["", "mean", "± 95 %", "median", "worst", "in"] + (hasReference ? ["- reference", "± 95 %"] : [])
        var rows: [[String]] = []
        for (i, run) in results.runs.enumerated() {
            guard let sample = results.sample(metric, run: i) else { continue }
            let worst = results.worst(metric, run: i), difference = results.differences(metric, run: i)
            let halfWidth = sample.halfWidth.map { metric.text($0) }
            var row = [run.label, metric.text(sample.mean), halfWidth ?? "", metric.text(sample.median)]
            row += [worst.map { metric.text($0.value) } ?? "", worst?.image ?? ""]
            if hasReference {
                let change = difference.map { metric.text($0.mean, signed: true) }
                let changeHalfWidth = difference?.halfWidth.map { Text.fixed($0, metric.decimals + 1) }
                row += [change ?? "", changeHalfWidth ?? ""]
            }
            rows.append(row)
        }
        return Table(
            heading, rows, right: [1, 2, 3, 4, 6, 7], title: metric.title.uppercased(), note: metric.explanation)
    }

    func layers(_ inside: Results.Inside, limit: Int = .max) -> Table {
        let layers = inside.layers, more = layers.count - limit
        return Table(
            ["", "own, dB", "output, dB", "weights, dB"], layers.prefix(limit).map { [$0.name] + Self.decibels($0) },
            right: [1, 2, 3],
            title: "LAYERS of \(inside.contestant), worst first",
            note: """
                Signal over error against the float model, on a patch of \(inside.image): \
                of the layer itself, given the float model's
                values; of its output in the int8 model; of its rounded weights.\
                \(more > 0 ? " \(more) more in --json and --report." : "")
                """)
    }

    static func decibels(_ layer: Quality.Layer) -> [String] {
        func text(_ ratio: SignalToNoise?) -> String {
            ratio.map { $0.decibels.isFinite ? Text.fixed($0.decibels, 1) : "∞" } ?? "float"
        }
        return [text(layer.own), text(layer.output), text(layer.weights)]
    }

    var csv: String {
        let metrics = results.metrics
        func field(_ text: String) -> String {
            text.contains(where: { ",\"\n\r".contains($0) })
                ? "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
                : text
        }
        var lines = [
            (["set", "image", "model", "sampler", "steps"] + metrics.map(\.rawValue)).joined(separator: ",")
        ]
        for entry in results.entries {
            for (i, run) in results.runs.enumerated() {
                let fields = [
                    entry.set, entry.name, run.name, run.schedule?.kind ?? "",
                    run.schedule.map { String($0.steps) } ?? "",
                ].map(field)
                lines.append(
                    (fields + metrics.map { metric in entry.values[i][metric].map { "\($0)" } ?? "" }).joined(
                        separator: ","))
            }
        }
        return lines.joined(separator: "\n")
    }
}
