import SRDMetrics
import SRDQuantizer
import SRDiff
import ToolSupport

/// The report as one JSON document.
extension TextReport {
    var json: JSON {
        .object([
            ("tool", "srdiff-evaluate"), ("version", .string(SRDiffVersion.string)),
            ("models", .array(plan.contestants.map(json(contestant:)))),
            ("scale", .int(plan.scale)), ("degradation", plan.degradation.map { .string($0.description) } ?? .null),
            ("seeds", .array(plan.seeds.map { .unsigned($0) })),
            ("runs", .array(results.runs.indices.map(json(run:)))),
            ("images", .array(results.entries.map(json(entry:)))),
            ("failed", .array(results.failures.map(json(failure:)))),
            ("layers", .array(results.inside.map(json(inside:)))),
        ])
    }

    private func json(contestant: Contestant) -> JSON {
        .object([
            ("name", .string(contestant.name)), ("path", .string(contestant.loaded.path)),
            ("sha256", .string(contestant.loaded.sha256)), ("arithmetic", .string(contestant.loaded.arithmetic)),
            ("reference", .bool(contestant.isReference)),
        ])
    }

    private func json(entry: Results.Entry) -> JSON {
        let runs = entry.values.enumerated().map { i, values in
            let measured = results.metrics.compactMap { metric in
                values[metric].map { (key: metric.rawValue, value: JSON.number($0)) }
            }
            return JSON.object([("run", .string(results.runs[i].label))] + measured)
        }
        return .object([
            ("name", .string(entry.name)), ("set", .string(entry.set)), ("width", .int(entry.width)),
            ("height", .int(entry.height)), ("runs", .array(runs)),
        ])
    }

    private func json(failure: Results.Failure) -> JSON {
        .object([("path", .string(failure.path)), ("error", .string(failure.reason))])
    }

    private func json(inside: Results.Inside) -> JSON {
        let noise = inside.quality.noise.map {
            JSON.object([("timestep", .int($0.timestep)), ("snr", .number($0.ratio.decibels))])
        }
        return .object([
            ("model", .string(inside.contestant)), ("image", .string(inside.image)), ("noise", .array(noise)),
            ("layers", .array(inside.layers.map(json(layer:)))),
        ])
    }

    private func json(layer: Quality.Layer) -> JSON {
        .object([
            ("name", .string(layer.name)), ("own", .number(layer.own.decibels)),
            ("output", .number(layer.output.decibels)),
            ("weights", layer.weights.map { .number($0.decibels) } ?? .null),
        ])
    }

    private func json(run: Int) -> JSON {
        let info = results.runs[run]
        var members: [(key: String, value: JSON)] = [
            ("run", .string(info.label)), ("model", .string(info.name)), ("reference", .bool(info.isReference)),
        ]
        if let schedule = info.schedule {
            members += [("sampler", .string(schedule.kind)), ("steps", .int(schedule.steps))]
        }
        for metric in results.metrics {
            guard let sample = results.sample(metric, run: run) else { continue }
            var value = Self.json(sample)
            if let worst = results.worst(metric, run: run) {
                value += [("worst", .number(worst.value)), ("worst_image", .string(worst.image))]
            }
            if let difference = results.differences(metric, run: run) {
                value.append(("difference", .object(Self.json(difference))))
            }
            if results.sets.count > 1 {
                value.append(
                    (
                        "sets",
                        .object(
                            results.sets.compactMap { set in
                                results.sample(metric, run: run, set: set).map { (set, .number($0.mean)) }
                            })
                    ))
            }
            members.append((metric.rawValue, .object(value)))
        }
        return .object(members)
    }

    private static func json(_ sample: Sample) -> [(key: String, value: JSON)] {
        [
            ("mean", .number(sample.mean)), ("half_width_95", sample.halfWidth.map { .number($0) } ?? .null),
            ("median", .number(sample.median)),
        ]
    }
}
