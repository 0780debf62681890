import SRDTensor
import SRDiff
import ToolSupport

/// What each number of steps costs and gives, for every sampler and model.
struct StepsCurve {
    let results: Results
    let plan: EvaluationPlan

    private static let metrics: [Metric] = [.psnr, .ssim, .lpips, .lr_psnr, .seconds]

    private var counts: [Int] { Set(plan.schedules.map(\.steps)).sorted() }
    var hasSeveralCounts: Bool { counts.count > 1 }

    /// A plot for each metric there is, and the two that samplers trade against each other. What is worse than bicubic
    /// is left out: it would press the rest together.
    var plots: [Plot] {
        let metrics = Self.metrics.filter(results.metrics.contains)
        var plots = metrics.map { metric -> Plot in
            let notes = [
                metric.higherIsBetter == true ? nil : "lower is better",
                bicubic(metric).map { "bicubic: \(metric.text($0))" },
            ]
            let note = notes.compactMap { $0 }.joined(separator: "; ")
            var plot = Plot(
                title: "\(metric.title) by steps (\(note))", xLabel: "steps", yLabel: metric.title,
                series: series { run, schedule in
                    shown(metric, run).map { (Self.place(schedule.steps), $0, metric.text($0)) }
                })
            plot.ticks = counts.map { (Self.place($0), String($0)) }
            return plot
        }
        if metrics.contains(.lpips) {
            plots.append(
                Plot(
                    title: "Detail against fidelity (right and down is better)", xLabel: "PSNR", yLabel: "LPIPS",
                    series: series { run, _ in
                        guard let psnr = shown(.psnr, run), let lpips = shown(.lpips, run) else { return nil }
                        return (psnr, lpips, "\(Metric.psnr.text(psnr)) dB, \(Metric.lpips.text(lpips))")
                    }))
        }
        return plots
    }

    private func bicubic(_ metric: Metric) -> Double? {
        results.runs.firstIndex { $0.contestant == nil }.flatMap { results.sample(metric, run: $0)?.mean }
    }

    /// A run's mean, if it is no worse than bicubic's.
    private func shown(_ metric: Metric, _ run: Int) -> Double? {
        guard let mean = results.sample(metric, run: run)?.mean else { return nil }
        guard let bicubic = bicubic(metric) else { return mean }
        return (metric.higherIsBetter == true ? mean >= bicubic : mean <= bicubic) ? mean : nil
    }

    /// Steps count by their ratio.
    private static func place(_ steps: Int) -> Double { Mathematics.log(Double(steps)) }

    /// Runs of one model and one kind of sampler, in the order of their steps.
    private func series(_ point: (_ run: Int, TimestepSchedule) -> (x: Double, y: Double, text: String)?) -> [Plot
        .Series]
    {
        var found: [(name: String, points: [Plot.Point])] = []
        for (i, run) in results.runs.enumerated() {
            guard let schedule = run.schedule else { continue }
            let name = "\(run.name) \(schedule.kind)"
            let place = found.firstIndex { $0.name == name } ?? found.count
            if place == found.count { found.append((name, [])) }
            // A series without a point keeps its colour.
            guard let point = point(i, schedule) else { continue }
            found[place].points.append(Plot.Point(x: point.x, y: point.y, tip: "\(run.label): \(point.text)"))
        }
        return found.map { Plot.Series(name: $0.name, points: $0.points) }
    }

    /// All of it as one SVG file, in light or dark as the reader's page is.
    var svg: String {
        let plots = plots, names = plots.first?.series.map(\.name) ?? []
        let columns = 2, rows = (plots.count + 1) / 2, head = 26.0, perRow = 4
        let legendRows = (names.count + perRow - 1) / perRow
        let width = Double(columns) * Plot.width,
            height = Double(rows) * (Plot.height + head) + Double(legendRows) * 24 + 16
        func n(_ value: Double) -> String { Text.fixed(value, 1) }
        var out = [
            """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(n(width)) \(n(height))" \
            font-family="system-ui,sans-serif" font-size="14">
            <style>\(Page.drawingStyle)</style>
            <rect width="100%" height="100%"/>

            """
        ]
        for (i, plot) in plots.enumerated() {
            let x = Double(i % columns) * Plot.width, y = Double(i / columns) * (Plot.height + head)
            out.append("<text x=\"\(n(x + 58))\" y=\"\(n(y + 19))\" font-weight=\"600\">\(plot.title.html)</text>\n")
            out.append(plot.svg(x: x, y: y + head) + "\n")
        }
        for (i, name) in names.enumerated() {
            let x = 64 + Double(i % perRow) * (width - 64) / Double(perRow)
            let y = Double(rows) * (Plot.height + head) + Double(i / perRow) * 24 + 18
            out.append(
                """
                <circle class="c\(i % 6)" cx="\(n(x - 12))" cy="\(n(y - 5))" r="5"/><text x="\(n(x))" \
                y="\(n(y))">\(name.html)</text>\n
                """
            )
        }
        return out.joined() + "</svg>\n"
    }
}
