import SRDiff
import ToolSupport

/// The results in words: what the subject costs against the reference and with fewer steps.
struct ReportSummary {
    let results: Results
    let plan: EvaluationPlan
    let subject: ReportSubject

    var paragraphs: [String] {
        let count = results.entries.count, run = results.runs[subject.run], schedule = subject.schedule
        let sets = results.sets.count > 1 ? " of \(results.sets.joined(separator: " and "))" : ""
        var words = [
            """
            \(count) image\(count == 1 ? "" : "s")\(sets), \
            downscaled\(plan.degradation.map { ", degraded (\($0))" } ?? "") and upscaled ×\(plan.scale) again from \
            the same noise. \(run.label): PSNR \(mean(.psnr, subject.run) ?? "–") \
            dB\(mean(.lpips, subject.run).map { ", LPIPS \($0)" } ?? ""). Bicubic alone: \(mean(.psnr, 0) ?? "–") \
            dB\(mean(.lpips, 0).map { ", LPIPS \($0)" } ?? "").
            """
        ]
        for other in results.runs.indices where results.runs[other].schedule == schedule {
            guard let loss = results.differences(.psnr, run: other), let reference = results.reference(of: other) else {
                continue
            }
            var text = "\(results.runs[other].name) against \(results.runs[reference].name), \(schedule.label): "
            let change = loss.mean, half = loss.halfWidth
            if let half, abs(change) <= half {
                text += """
                    no difference in PSNR can be shown on these images \
                    (\(Metric.psnr.text(change, signed: true)) ± \(Text.fixed(half, 3)) dB). 
                    """
            } else {
                let spread = half.map { " ± \(Text.fixed($0, 3))" } ?? ""
                text += "\(change < 0 ? "loses" : "gains") \(Text.fixed(abs(change), 3))\(spread) dB of PSNR. "
            }
            if let perceptual = results.differences(.lpips, run: other) {
                text += "LPIPS changes by \(Metric.lpips.text(perceptual.mean, signed: true)). "
            }
            if let near = results.sample(.psnr_to_reference, run: other),
                let worst = results.worst(.psnr_to_reference, run: other)
            {
                text += """
                    Its images are \(Metric.psnr.text(near.mean)) dB from the reference's, \
                    \(Metric.psnr.text(worst.value)) at worst (\(worst.image)); above 46 dB two \
                    images are hard to tell apart.
                    """
            }
            words.append(text)
        }
        let same = results.runs.indices.filter {
            results.runs[$0].name == run.name && results.runs[$0].schedule?.kind == schedule.kind
        }
        if same.count > 1,
            let few = same.min(by: { results.runs[$0].schedule!.steps < results.runs[$1].schedule!.steps })
        {
            let metric = results.metrics.contains(.lpips) ? Metric.lpips : .psnr
            words.append(
                """
                With \(results.runs[few].schedule!.steps) steps instead of \(schedule.steps), \(run.name) has a \
                \(metric.title) of \(mean(metric, few) ?? "–") instead of \(mean(metric, subject.run) ?? "–").
                """)
        }
        for inside in results.inside {
            let layers = inside.layers.prefix(3).map { "\($0.name) (\(Text.fixed($0.own.decibels, 1)) dB)" }
            words.append(
                "Layers of \(inside.contestant) that add most error of their own: \(layers.joined(separator: ", ")).")
        }
        return words
    }

    private func mean(_ metric: Metric, _ run: Int) -> String? {
        results.sample(metric, run: run).map { metric.text($0.mean) }
    }
}
