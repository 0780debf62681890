import SRDFile
import SRDiff
import SRDTensor
import ToolSupport

/// An int8 model: what runs in int8, how it was calibrated, and the sampling schedules found for it.
struct QuantizedReport: Report {
    private let file: QuantizedModelFile
    private let size: Int
    private let sha256: String

    init(_ safetensors: Safetensors) throws {
        file = try QuantizedModelFile(safetensors)
        size = safetensors.file.count
        sha256 = try safetensors.file.sha256()
    }

    private var model: Model { file.model }
    var failure: String? { nil }
    var warnings: [String] { model.schedule.warning.map { [$0] } ?? [] }

    var heading: String {
        let p = file.provenance, layers = model.layers.values
        return Text.facts([
            (
                "container",
                "safetensors, \(ByteCount.text(size)); int8 model, format version \(QuantizedModelFile.version)"
            ),
            ("SHA-256", sha256), ("source SHA-256", p.sourceSHA256), ("converter", p.tool), ("settings", p.settings),
            ("calibration", p.calibration), ("images SHA-256", p.calibrationSHA256),
            (
                "timesteps",
                """
                \(model.calibratedTimesteps.count) calibrated: \
                \(model.calibratedTimesteps.map(String.init).joined(separator: " "))
                """
            ),
            ("layers", "\(layers.filter(\.isInt8).count) int8, \(layers.filter { !$0.isInt8 }.count) float"),
        ])
    }

    var text: String {
        let summary = ModelSummary(model)
        var sections = [heading, Text.facts(summary.facts), summary.partsTable, rangesTable]
        let float = model.layers.filter { !$0.value.isInt8 }.keys.sorted()
        if !float.isEmpty { sections.append("float layers\n" + Text.wrapped(float)) }
        sections.append(schedulesTable)
        return sections.joined(separator: "\n\n")
    }

    /// For each graph the layers and values of either kind, and the ranges of scales and zero points.
    private var rangesTable: String {
        var rows = [
            [
                "graph", "int8 layers", "float layers", "weight scales", "int8 values", "also float", "scales",
                "zero points",
            ]
        ]
        for graph in model.network.graphs(withPreview: model.hasPreview) {
            let layers = graph.nodes.compactMap { model.layers[$0.name] }
            let values = graph.nodes.compactMap { model.activations[$0.name] }
            let quantizations = values.flatMap(\.quantizations)
            rows.append([
                graph.role.rawValue, "\(layers.filter(\.isInt8).count)", "\(layers.filter { !$0.isInt8 }.count)",
                Self.range(layers.flatMap { Self.scales($0) }), "\(values.count)",
                "\(values.filter(\.keepsFloat).count)",
                Self.range(quantizations.map(\.scale)),
                quantizations.map(\.zeroPoint).min().map { "\($0) to \(quantizations.map(\.zeroPoint).max()!)" } ?? "",
            ])
        }
        return Table.aligned(rows, right: [1, 2, 4, 5])
    }

    private var schedulesTable: String {
        guard !model.schedules.isEmpty else {
            return "no sampling schedules (srdiff-quantize --search-steps finds them)"
        }
        let rows =
            [["steps", "PSNR gain", "LPIPS ratio", "timesteps (η where noise is added)"]]
            + model.schedules.map { schedule in
                let transitions = schedule.transitions.map {
                    $0.eta == 0 ? "\($0.timestep)" : "\($0.timestep) (\(Text.fixed($0.eta, 2)))"
                }
                return [
                    "\(schedule.transitions.count)", Text.fixed(Double(schedule.psnrGain), 2),
                    Text.fixed(Double(schedule.lpipsRatio), 3),
                    transitions.joined(separator: " ").printable(limit: Text.valueLimit),
                ]
            }
        return Table.aligned(rows, right: [0, 1, 2])
    }

    private static func scales(_ layer: Layer) -> [Float] {
        if case .int8(_, let scales) = layer.weights { scales } else { [] }
    }

    /// Three significant digits of the smallest and the largest.
    private static func range(_ values: [Float]) -> String {
        guard let least = values.min(), let most = values.max() else { return "" }
        return "\(scientific(Double(least))) to \(scientific(Double(most)))"
    }

    private static func scientific(_ value: Double) -> String {
        guard value.isFinite, value != 0 else { return "\(value)" }
        var exponent = 0, mantissa = value
        while abs(mantissa) >= 9.995 { mantissa /= 10; exponent += 1 }
        while abs(mantissa) < 0.9995 { mantissa *= 10; exponent -= 1 }
        return Text.fixed(mantissa, 2) + "e\(exponent)"
    }

    var json: JSON {
        let p = file.provenance
        var members: [(key: String, value: JSON)] = [
            ("format", .string(QuantizedModelFile.format)), ("format_version", .string(QuantizedModelFile.version)),
            ("bytes", .int(size)), ("sha256", .string(sha256)), ("source_sha256", .string(p.sourceSHA256)),
            ("converter", .string(p.tool)), ("settings", .string(p.settings)),
            (
                "calibration",
                [
                    "description": .string(p.calibration), "images_sha256": .string(p.calibrationSHA256),
                    "timesteps": .array(model.calibratedTimesteps.map(JSON.int)),
                ]
            ),
            ("warnings", .array(warnings.map(JSON.string))),
        ]
        members += ModelSummary(model).json(details: details)
        members.append(
            (
                "schedules",
                .array(
                    model.schedules.map { schedule in
                        [
                            "steps": .int(schedule.transitions.count),
                            "timesteps": .array(schedule.transitions.map { .int($0.timestep) }),
                            "eta": .array(schedule.transitions.map { .number($0.eta) }),
                            "psnr_gain": .number(Double(schedule.psnrGain)),
                            "lpips_ratio": .number(Double(schedule.lpipsRatio)),
                        ]
                    })
            ))
        return .object(members)
    }

    /// How a layer computes, and how its output is kept.
    private func details(_ node: Node) -> [(key: String, value: JSON)] {
        var details: [(key: String, value: JSON)] = []
        if let layer = model.layers[node.name] {
            details += [
                ("int8", .bool(layer.isInt8)),
                ("weight_scales", .array(Self.scales(layer).map { .number(Double($0)) })),
            ]
        }
        if let activation = model.activations[node.name] {
            details.append(
                (
                    "output",
                    [
                        "scales": .array(activation.quantizations.map { .number(Double($0.scale)) }),
                        "zero_points": .array(activation.quantizations.map { .int(Int($0.zeroPoint)) }),
                        "keeps_float": .bool(activation.keepsFloat),
                    ]
                ))
        }
        return details
    }
}
