import SRDiff
import SRDMetrics
import SRDQuantizer
import ToolSupport

/// The plots of a report.
struct ReportPlots {
    let results: Results
    let plan: EvaluationPlan

    var plots: [Plot] {
        var plots: [Plot] = []
        let curve = StepsCurve(results: results, plan: plan)
        if curve.hasSeveralCounts { plots += curve.plots }
        plots.append(distribution)
        let noise = results.inside.filter { !$0.quality.noise.isEmpty }
        if !noise.isEmpty {
            plots.append(
                Plot(
                    title: "Predicted noise, int8 against float, by timestep", xLabel: "timestep (0 is the last)",
                    yLabel: "signal to error, dB",
                    series: noise.map { inside in
                        Plot.Series(
                            name: inside.contestant,
                            points: inside.quality.noise.map {
                                Plot.Point(
                                    x: Double($0.timestep), y: $0.ratio.decibels,
                                    tip: "t = \($0.timestep): \(Text.fixed($0.ratio.decibels, 1)) dB")
                            })
                    }))
        }
        for inside in results.inside {
            func series(_ name: String, _ ratio: (Int) -> SignalToNoise) -> Plot.Series {
                Plot.Series(
                    name: name,
                    points: inside.quality.layers.indices.map { i in
                        Plot.Point(
                            x: Double(i), y: ratio(i).decibels,
                            tip: "\(inside.quality.layers[i].name): \(Text.fixed(ratio(i).decibels, 1)) dB")
                    })
            }
            var plot = Plot(
                title: "Layers of \(inside.contestant), in the network's order",
                xLabel: "layer (rest the pointer on a dot for its name)", yLabel: "signal to error, dB",
                series: [
                    series("the layer itself") { inside.quality.layers[$0].own },
                    series("all up to it") { inside.quality.layers[$0].output },
                ])
            plot.joined = false
            plots.append(plot)
        }
        return plots
    }

    /// The PSNR of each image as a dot, and the means.
    private var distribution: Plot {
        let compared = results.runs.indices.filter { results.reference(of: $0) != nil }
        let runs = compared.isEmpty ? results.runs.indices.filter { results.runs[$0].schedule != nil } : compared
        var means: [(x: Double, mean: Double, halfWidth: Double?)] = []
        let series = runs.enumerated().map { place, run -> Plot.Series in
            let reference = results.reference(of: run)
            let values = results.entries.map { entry -> (name: String, value: Double) in
                let own = entry.values[run][.psnr]!, other = reference.map { entry.values[$0][.psnr]! }
                return (entry.name, other.map { $0 == own ? 0 : own - $0 } ?? own)
            }
            let sample = Sample(values.map(\.value))
            means.append((Double(place), sample.mean, sample.halfWidth))
            return Plot.Series(
                name: results.runs[run].label,
                points: values.enumerated().map { i, item in
                    // Spread a little, so that dots do not hide each other.
                    Plot.Point(
                        x: Double(place) + Double(i * 7 % 11 - 5) * 0.03, y: item.value,
                        tip: "\(item.name): \(Text.fixed(item.value, 3)) dB")
                })
        }
        var plot = Plot(
            title: compared.isEmpty
                ? "PSNR of each image, and the mean" : "PSNR of each image minus the reference's, and the mean",
            xLabel: "", yLabel: "dB", series: series)
        plot.joined = false
        plot.categories = runs.map { runs.count > 4 ? "" : results.runs[$0].label }  // more would overlap
        plot.means = means
        return plot
    }
}
