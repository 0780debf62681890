import SRDFile
import SRDMetrics
import SRDQuantizer
import SRDiff
import ToolSupport

/// What was done and what it costs, in words, as Markdown and as JSON.
struct Report {
    let source: LoadedModel
    let output: String
    let recipe: Recipe
    let set: CalibrationSet
    let settings: QuantizerSettings
    let quality: Quality
    let quantized: Model
    let seconds: Double

    /// Below this a layer's output is worth a look.
    private static let shownLayers = 12

    private var sizeBefore: Int { FilePath.size(of: source.path) ?? 0 }
    private var sizeAfter: Int { FilePath.size(of: output) ?? 0 }
    private var int8Layers: Int { quantized.layers.values.filter(\.isInt8).count }

    private var int8Share: Double {
        var all = 0.0, int8 = 0.0
        for node in quantized.network.noisePredictor.nodes {
            all += node.macsPerPixel
            if quantized.layers[node.name]?.isInt8 ?? false { int8 += node.macsPerPixel }
        }
        return int8 / all
    }

    /// Float layers and why, the same reasons together.
    private var excluded: [(reason: String, names: [String])] {
        var groups: [(reason: String, names: [String])] = []
        for node in quantized.network.graphs(withPreview: quantized.hasPreview).flatMap(\.nodes)
        where node.isConvolution {
            guard let decision = recipe.decisions[node.name], decision.weights == .float else { continue }
            let reason = decision.reason.isEmpty ? "the recipe says so" : decision.reason
            if let i = groups.firstIndex(where: { $0.reason == reason }) {
                groups[i].names.append(node.name)
            } else {
                groups.append((reason, [node.name]))
            }
        }
        return groups
    }

    private var sections: [ReportSection] {
        let worst = quality.layers.sorted { $0.own.decibels < $1.own.decibels }
        let own = quality.images.compactMap(\.ownError)
        let cost =
            quality.loss.map {
                " Against the originals (\(own.count) patches) that costs \(Text.fixed($0, 3)) dB, "
                    + "on top of the model's own error."
            } ?? ""
        var sections = [
            ReportSection(
                "Size",
                [
                    """
                    \(source.path): \(ByteCount.text(sizeBefore)). \(output): \(ByteCount.text(sizeAfter)), \
                    \(Text.fixed(100 * Double(sizeAfter) / Double(max(1, sizeBefore)), 1)) % of it.
                    """,
                    """
                    \(int8Layers) of \(quantized.layers.count) layers are int8: \(Text.fixed(100 * int8Share, 1)) % of \
                    the work of a step. Calibrated on \(set.description), at \(quantized.calibratedTimesteps.count) \
                    timesteps; \(settings.description). It took \(Text.duration(seconds)).
                    """,
                ]),
            ReportSection(
                "Kept in float", ["Layers where eight bits would cost more than they bring, or that were asked for."],
                table: Table(
                    ["layers", "why"], excluded.map { [Self.list($0.names), $0.reason] })),
            ReportSection(
                "The image",
                [
                    """
                    PSNR of the int8 model's samples against the float model's, from the same noise (\
                    DDIM, \(quality.noise.count) steps). Above 46 dB the two are hard to tell apart, side by side; \
                    40 dB is a visible difference in flat areas. LR-PSNR says how well a result, downscaled again, \
                    agrees with the image it was made from: lost colour shows there first.
                    """,
                    """
                    Mean: \(Text.fixed(quality.meanPSNR, 2)) dB.\(cost)
                    """,
                ],
                table: Table(
                    ["image", "int8 to float, dB", "LR-PSNR float", "int8"],
                    quality.images.enumerated().map { i, image in
                        [
                            String(i + 1), Text.fixed(image.psnr, 2), Text.fixed(image.lowResolutionPSNR.float, 2),
                            Text.fixed(image.lowResolutionPSNR.int8, 2),
                        ]
                    }, right: [1, 2, 3])),
        ]
        if !quantized.schedules.isEmpty {
            sections.append(
                ReportSection(
                    "Steps",
                    [
                        """
                        What was found for each number of steps, against 100 steps of DDPM on these patches: PSNR \
                        gained (+) or lost, LPIPS as a share of theirs (less is better), then timesteps and, behind a \
                        colon, noise as a share of DDPM's.
                        """
                    ],
                    table: Table(
                        ["steps", "PSNR, dB", "LPIPS", "timestep:noise"],
                        quantized.schedules.map { schedule in
                            [
                                String(schedule.transitions.count), Text.fixed(Double(schedule.psnrGain), 2),
                                Text.fixed(Double(schedule.lpipsRatio), 3),
                                schedule.transitions.map { "\($0.timestep):\(Text.short($0.eta))" }.joined(
                                    separator: " "),
                            ]
                        }, right: [0, 1, 2])))
        }
        sections.append(
            ReportSection(
                "Predicted noise",
                [
                    """
                    How far the noise that the int8 model predicts is from the float model's, by timestep: \
                    signal-to-noise ratio (SNR), 20 dB is a tenth off, 40 dB a hundredth. Timesteps near 0 are the \
                    last ones, where the noise to be found is smallest.
                    """
                ],
                table: Table(
                    ["timestep", "SNR, dB"],
                    quality.noise.map { [String($0.timestep), Text.fixed($0.ratio.decibels, 1)] }, right: [0, 1])))
        sections.append(
            ReportSection(
                "Layers, worst first",
                [
                    """
                    SNR of each layer's output: with the float model's values before it (its own error), and with \
                    everything before it int8 too; and of its rounded weights. Errors gather from layer to layer and \
                    average out again in the sums of the next: a low number in the middle need not show in the image. \
                    `--keep-float` takes a layer out, `--max-loss` finds the ones that matter.
                    """
                ],
                table: Table(
                    ["layer", "own, dB", "output, dB", "weights, dB"],
                    worst.prefix(Self.shownLayers).map { Self.row($0) }, right: [1, 2, 3]),
                fullTable: Table(
                    ["layer", "own, dB", "output, dB", "weights, dB"], worst.map { Self.row($0) }, right: [1, 2, 3]),
                remark: worst.count > Self.shownLayers
                    ? "… and \(worst.count - Self.shownLayers) more: --report lists them all." : nil))
        return sections
    }

    private static func row(_ layer: Quality.Layer) -> [String] {
        [
            layer.name, Text.fixed(layer.own.decibels, 1), Text.fixed(layer.output.decibels, 1),
            layer.weights.map { Text.fixed($0.decibels, 1) } ?? "float",
        ]
    }

    private static func list(_ names: [String]) -> String {
        names.count <= 4
            ? names.joined(separator: ", ") : names.prefix(3).joined(separator: ", ") + " and \(names.count - 3) more"
    }

    // MARK: Forms

    var text: String { sections.map(\.text).joined(separator: "\n\n") }

    var markdown: String {
        "# \(FilePath.name(of: output))\n\n" + sections.map(\.markdown).joined(separator: "\n\n") + "\n"
    }

    var json: JSON {
        .object([
            ("source", ["path": .string(source.path), "sha256": .string(source.sha256), "bytes": .int(sizeBefore)]),
            ("output", ["path": .string(output), "bytes": .int(sizeAfter)]),
            ("calibration", ["description": .string(set.description), "sha256": .string(set.sha256)]),
            ("settings", .string(settings.description)),
            ("seconds", .number(seconds)),
            ("layers", ["int8": .int(int8Layers), "float": .int(quantized.layers.count - int8Layers)]),
            ("psnr_to_float", .number(quality.meanPSNR)),
            ("loss", quality.loss.map(JSON.number) ?? .null),
            (
                "images",
                .array(
                    quality.images.map { image in
                        .object([
                            ("psnr_to_float", .number(image.psnr)),
                            ("lr_psnr_float", .number(image.lowResolutionPSNR.float)),
                            ("lr_psnr_int8", .number(image.lowResolutionPSNR.int8)),
                        ])
                    })
            ),
            (
                "noise",
                .array(
                    quality.noise.map {
                        .object([("timestep", .int($0.timestep)), ("snr", .number($0.ratio.decibels))])
                    })
            ),
            (
                "layer_snr",
                .array(
                    quality.layers.sorted { $0.own.decibels < $1.own.decibels }.map { layer in
                        .object([
                            ("name", .string(layer.name)), ("own", .number(layer.own.decibels)),
                            ("output", .number(layer.output.decibels)),
                            ("weights", layer.weights.map { .number($0.decibels) } ?? .null),
                        ])
                    })
            ),
            (
                "schedules",
                .array(
                    quantized.schedules.map { schedule in
                        .object([
                            ("steps", .int(schedule.transitions.count)),
                            ("psnr_gain", .number(Double(schedule.psnrGain))),
                            ("lpips_ratio", .number(Double(schedule.lpipsRatio))),
                            ("timesteps", .array(schedule.transitions.map { .int($0.timestep) })),
                            ("eta", .array(schedule.transitions.map { .number($0.eta) })),
                        ])
                    })
            ),
            (
                "float_layers",
                .array(
                    excluded.flatMap { group in
                        group.names.map { JSON.object([("name", .string($0)), ("reason", .string(group.reason))]) }
                    })
            ),
        ])
    }
}
