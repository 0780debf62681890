import SRDiff
import ToolSupport

/// What was measured, for people and for programs.
struct ModelReport {
    let loaded: LoadedModel
    let isRandom: Bool
    let runs: [ConfigurationRun]
    let loading: Duration
    let before, after: Machine.Condition
    let layers: Bool

    var table: Measurements {
        var table = Measurements(columns: [
            .init(key: "size", heading: "size"), .init(key: "threads", heading: "threads"),
            .init(key: "cpu", heading: "CPU"),
            .init(key: "ms_per_step_min", heading: "step ms, min", decimals: 1),
            .init(key: "ms_per_step_median", heading: "median", decimals: 1),
            .init(key: "ms_per_step_mean", heading: "mean", decimals: 1),
            .init(key: "ms_per_step_sd", heading: "± sd", decimals: 1),
            .init(key: "ms_encode_median", heading: "encode ms", decimals: 1),
            .init(key: "ms_first_step_median", heading: "first step ms", decimals: 1),
            .init(key: "ms_per_image_median", heading: "image ms", decimals: 0),
            .init(key: "gmac_per_s", heading: "GMAC/s", decimals: 1),
            .init(key: "peak_gmac_per_s", heading: "peak", decimals: 1),
            .init(key: "peak_share", heading: "of peak", decimals: 3),
            .init(key: "peak_rss_mib", heading: "RSS MiB", decimals: 1),
        ])
        table.rows = runs.map { run in
            let rate = run.macsPerStep / (run.step.median / 1000)
            return [
                .string("\(run.width)x\(run.height)"), .int(run.threads), .string(run.cpu.rawValue),
                .number(run.step.min), .number(run.step.median), .number(run.step.mean), .number(run.step.deviation),
                .number(run.encode.median), run.firstStep.median.isNaN ? .null : .number(run.firstStep.median),
                .number(run.image.median), .number(rate / 1e9), run.peak.map { .number($0 / 1e9) } ?? .null,
                run.peak.map { .number(rate / $0) } ?? .null, .number(Double(run.peakMemory) / 1_048_576),
            ]
        }
        return table
    }

    var layerTable: Measurements {
        var table = Measurements(columns: [
            .init(key: "size", heading: "size"), .init(key: "threads", heading: "threads"),
            .init(key: "cpu", heading: "CPU"),
            .init(key: "layer", heading: "layer"), .init(key: "ms", heading: "ms a step", decimals: 2),
            .init(key: "share", heading: "of the step", decimals: 3), .init(key: "gmac", heading: "GMAC", decimals: 3),
            .init(key: "gmac_per_s", heading: "GMAC/s", decimals: 1),
            .init(key: "peak_share", heading: "of peak", decimals: 3),
        ])
        for run in runs {
            let total = run.layers.reduce(0) { $0 + $1.time.seconds }
            for (node, time) in run.layers {
                let seconds = time.seconds / Double(run.layerSteps), macs = run.macs(of: node), rate = macs / seconds
                table.rows.append([
                    .string("\(run.width)x\(run.height)"), .int(run.threads), .string(run.cpu.rawValue),
                    .string(node.name),
                    .number(seconds * 1000), .number(time.seconds / total), .number(macs / 1e9),
                    macs > 0 ? .number(rate / 1e9) : .null,
                    macs > 0 ? run.peak.map { .number(rate / $0) } ?? .null : .null,
                ])
            }
        }
        return table
    }

    var markdown: String {
        var lines = ["\(loaded.path) (\(loaded.arithmetic)), loaded in \(Text.fixed(loading.seconds * 1000, 1)) ms"]
        lines.append(([Machine.name ?? "unknown processor"] + conditionText).joined(separator: "; "))
        lines += ["", table.markdown]
        if layers { lines += ["", layerTable.markdown] }
        return lines.joined(separator: "\n")
    }

    private var conditionText: [String] {
        var facts: [String] = []
        func note(_ name: String, _ key: (Machine.Condition) -> Double?, _ unit: String) {
            if let first = key(before), let last = key(after) {
                facts.append("\(name) \(Text.fixed(first, 0)) → \(Text.fixed(last, 0)) \(unit)")
            }
        }
        note("temperature", { $0.temperature }, "°C")
        note("frequency", { $0.frequency }, "MHz")
        if let first = before.throttled, let last = after.throttled { facts.append("throttled \(first) → \(last)") }
        return facts
    }

    var json: JSON {
        func condition(_ condition: Machine.Condition) -> JSON {
            .object([
                ("celsius", condition.temperature.map { .number($0) } ?? .null),
                ("mhz", condition.frequency.map { .number($0) } ?? .null),
                ("throttled", condition.throttled.map { .int($0) } ?? .null),
            ])
        }
        var members: [(key: String, value: JSON)] = [
            ("version", .string(SRDiffVersion.string)),
            (
                "model",
                .object([
                    ("path", .string(loaded.path)), ("sha256", isRandom ? .null : .string(loaded.sha256)),
                    ("arithmetic", .string(loaded.arithmetic)), ("ms_load", .number(loading.seconds * 1000)),
                ])
            ),
            (
                "machine",
                .object([
                    ("name", Machine.name.map { .string($0) } ?? .null), ("processors", .int(Machine.processors)),
                    ("before", condition(before)), ("after", condition(after)),
                ])
            ),
            ("results", table.json),
        ]
        if layers { members.append(("layers", layerTable.json)) }
        return .object(members)
    }
}
