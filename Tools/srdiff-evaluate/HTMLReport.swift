import SRDiff
import ToolSupport

/// An HTML page with all results and images, as one file.
struct HTMLReport {
    let results: Results
    let plan: EvaluationPlan
    let store: ImageStore

    func text() throws -> String {
        let tables = TextReport(results: results, plan: plan, showsLayers: true)
        let subject = ReportSubject(results, plan)
        let title = "srdiff-evaluate: " + plan.contestants.map(\.name).joined(separator: ", ")
        let summary = ReportSummary(results: results, plan: plan, subject: subject).paragraphs
        let plots = ReportPlots(results: results, plan: plan).plots
        let details =
            results.metrics.map { Self.details($0.title, tables.table($0)) }
            + results.inside.map { Self.details("Layers of \($0.contestant), worst first", tables.layers($0)) }
        return """
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" \
            content="width=device-width,initial-scale=1">
            <title>\(title.html)</title><link rel="icon" href="data:,"><style>\(Page.style)</style></head><body>
            <h1>\(title.html)</h1>
            \(summary.map { "<p>\($0.html)</p>" }.joined(separator: "\n"))
            <h2>Means</h2>
            \(tables.means.html)
            <h2>Plots</h2>
            <div class="plots">\(plots.map(\.figure).joined(separator: "\n"))</div>
            <h2>Every metric</h2>
            \(details.joined(separator: "\n"))
            <h2>Images, the worst first</h2>
            \(try ReportImages(results: results, plan: plan, store: store, subject: subject).html())
            <h2>Models</h2>
            \(models.html)
            <script>\(Page.script)</script>
            </body></html>
            """ + "\n"
    }

    private static func details(_ title: String, _ table: Table) -> String {
        "<details><summary>\(title.html)</summary>\(table.html)</details>"
    }

    private var models: Table {
        Table(
            ["name", "arithmetic", "SHA-256"],
            plan.contestants.map {
                [$0.name + ($0.isReference ? " (reference)" : ""), $0.loaded.arithmetic, $0.loaded.sha256]
            }, title: "Models",
            note:
                """
                srdiff-evaluate \(SRDiffVersion.string), seeds \(plan.seeds.map { String($0) }.joined(separator: ", ")).
                """
        )
    }
}
