import SRDiff
import SRDMetrics
import ToolSupport

/// One file that shows it all and needs nothing else.
struct HTMLReport {
    let results: Results
    let plan: Evaluation.Plan
    let store: ImageStore

    /// Images that are shown, and pixels a side of each: more would make the file heavy.
    private static let mostImages = 24, mostSide = 512

    /// What the words and the images are about: the most steps of the first sampler.
    private var schedule: TimestepSchedule {
        plan.schedules.filter { $0.kind == plan.schedules[0].kind }.max { $0.steps < $1.steps }!
    }

    /// The first model that is not the reference, else the reference.
    private var subject: Int { results.runs.firstIndex { $0.schedule == schedule && !$0.isReference } ?? reference! }
    private var reference: Int? { results.runs.firstIndex { $0.schedule == schedule && $0.isReference } }

    func text() throws -> String {
        let tables = TextReport(results: results, plan: plan, showsLayers: true)
        let title = "srdiff-evaluate: " + plan.contestants.map(\.name).joined(separator: ", ")
        let details = results.metrics.map { Self.details($0.title, tables.table($0)) }
            + results.inside.map { Self.details("Layers of \($0.contestant), worst first", tables.layers($0)) }
        return """
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
            <title>\(title.html)</title><link rel="icon" href="data:,"><style>\(Page.style)</style></head><body>
            <h1>\(title.html)</h1>
            \(summary.map { "<p>\($0.html)</p>" }.joined(separator: "\n"))
            <h2>Means</h2>
            \(Self.html(tables.means))
            <h2>Plots</h2>
            <div class="plots">\(plots.map(\.figure).joined(separator: "\n"))</div>
            <h2>Every metric</h2>
            \(details.joined(separator: "\n"))
            <h2>Images, the worst first</h2>
            \(try images())
            <h2>Models</h2>
            \(Self.html(models))
            <script>\(Page.script)</script>
            </body></html>
            """ + "\n"
    }

    private static func details(_ title: String, _ table: Table) -> String {
        "<details><summary>\(title.html)</summary>\(html(table))</details>"
    }

    private static func html(_ table: Table) -> String {
        func row(_ tag: String, _ cells: [String]) -> String {
            "<tr>" + cells.enumerated().map { i, text in
                "<\(tag)\(table.right.contains(i) ? " class=\"r\"" : "")>\(text.html)</\(tag)>"
            }.joined() + "</tr>"
        }
        let rows = table.rows.map { row("td", $0) }.joined(separator: "\n")
        let note = table.note.isEmpty ? "" : "<p class=\"note\">\(table.note.html)</p>"
        return """
            <div class="scroll"><table><thead>\(row("th", table.heading))</thead>
            <tbody>\(rows)</tbody></table></div>\(note)
            """
    }

    private var models: Table {
        Table(["name", "arithmetic", "SHA-256"], plan.contestants.map {
            [$0.name + ($0.isReference ? " (reference)" : ""), $0.loaded.arithmetic, $0.loaded.sha256]
        }, title: "Models", note: "srdiff-evaluate \(SRDiffVersion.string), seeds \(plan.seeds.map { String($0) }.joined(separator: ", ")).")
    }

    // MARK: Words

    private var summary: [String] {
        let count = results.entries.count, subject = results.runs[subject]
        let sets = results.sets.count > 1 ? " of \(results.sets.joined(separator: " and "))" : ""
        var words = ["""
            \(count) image\(count == 1 ? "" : "s")\(sets), reduced\(plan.degradation.map { ", degraded (\($0))" } ?? "") and enlarged ×\(plan.scale) again from the same noise. \
            \(subject.label): PSNR \(mean(.psnr, self.subject) ?? "–") dB\(mean(.lpips, self.subject).map { ", LPIPS \($0)" } ?? ""). \
            Bicubic alone: \(mean(.psnr, 0) ?? "–") dB\(mean(.lpips, 0).map { ", LPIPS \($0)" } ?? "").
            """]
        for run in results.runs.indices where results.runs[run].schedule == schedule {
            guard let loss = results.differences(.psnr, run: run), let reference = results.reference(of: run) else { continue }
            var text = "\(results.runs[run].name) against \(results.runs[reference].name), \(schedule.label): "
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
            if let perceptual = results.differences(.lpips, run: run) {
                text += "LPIPS changes by \(Metric.lpips.text(perceptual.mean, signed: true)). "
            }
            if let near = results.sample(.psnr_to_reference, run: run),
                let worst = results.worst(.psnr_to_reference, run: run) {
                text += """
                    Its images are \(Metric.psnr.text(near.mean)) dB from the reference's, \(Metric.psnr.text(worst.value)) at worst (\(worst.image)); \
                    above 46 dB two images are hard to tell apart.
                    """
            }
            words.append(text)
        }
        let same = results.runs.indices.filter {
            results.runs[$0].name == subject.name && results.runs[$0].schedule?.kind == schedule.kind
        }
        if same.count > 1, let few = same.min(by: { results.runs[$0].schedule!.steps < results.runs[$1].schedule!.steps }) {
            let metric = results.metrics.contains(.lpips) ? Metric.lpips : .psnr
            words.append("""
                With \(results.runs[few].schedule!.steps) steps instead of \(schedule.steps), \(subject.name) has a \(metric.title) of \
                \(mean(metric, few) ?? "–") instead of \(mean(metric, self.subject) ?? "–").
                """)
        }
        for inside in results.inside {
            let layers = inside.layers.prefix(3).map { "\($0.name) (\(Text.fixed($0.own.decibels, 1)) dB)" }
            words.append("Layers of \(inside.contestant) that add most error of their own: \(layers.joined(separator: ", ")).")
        }
        return words
    }

    private func mean(_ metric: Metric, _ run: Int) -> String? { results.sample(metric, run: run).map { metric.text($0.mean) } }

    // MARK: Plots

    private var plots: [Plot] {
        var plots: [Plot] = []
        let curve = StepsCurve(results: results, plan: plan)
        if curve.hasSeveralCounts { plots += curve.plots }
        plots.append(distribution)
        let noise = results.inside.filter { !$0.quality.noise.isEmpty }
        if !noise.isEmpty {
            plots.append(Plot(
                title: "Predicted noise, int8 against float, by timestep", xLabel: "timestep (0 is the last)",
                yLabel: "signal to error, dB", series: noise.map { inside in
                    Plot.Series(name: inside.contestant, points: inside.quality.noise.map {
                        Plot.Point(x: Double($0.timestep), y: $0.ratio.decibels, tip: "t = \($0.timestep): \(Text.fixed($0.ratio.decibels, 1)) dB")
                    })
                }))
        }
        for inside in results.inside {
            func series(_ name: String, _ ratio: (Int) -> SignalToNoise) -> Plot.Series {
                Plot.Series(name: name, points: inside.quality.layers.indices.map { i in
                    Plot.Point(x: Double(i), y: ratio(i).decibels, tip: "\(inside.quality.layers[i].name): \(Text.fixed(ratio(i).decibels, 1)) dB")
                })
            }
            var plot = Plot(
                title: "Layers of \(inside.contestant), in the network's order",
                xLabel: "layer (rest the pointer on a dot for its name)", yLabel: "signal to error, dB",
                series: [
                    series("the layer itself") { inside.quality.layers[$0].own },
                    series("all up to it") { inside.quality.layers[$0].output }
                ])
            plot.joined = false
            plots.append(plot)
        }
        return plots
    }

    /// A dot for each image.
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
            return Plot.Series(name: results.runs[run].label, points: values.enumerated().map { i, item in
                // Spread a little, so that dots do not hide each other.
                Plot.Point(x: Double(place) + Double(i * 7 % 11 - 5) * 0.03, y: item.value, tip: "\(item.name): \(Text.fixed(item.value, 3)) dB")
            })
        }
        var plot = Plot(
            title: compared.isEmpty ? "PSNR of each image, and the mean" : "PSNR of each image minus the reference's, and the mean",
            xLabel: "", yLabel: "dB", series: series)
        plot.joined = false
        plot.categories = runs.map { runs.count > 4 ? "" : results.runs[$0].label }       // more would overlap
        plot.means = means
        return plot
    }

    // MARK: Images


    private func images() throws -> String {
        let entries = plan.sets.flatMap(\.entries)
        var places: [(place: Int, worst: Double)] = []
        for i in entries.indices {
            let shown = try load(entries[i])
            places.append((i, spot(shown).error))
        }
        places.sort { ($1.worst, $0.place) < ($0.worst, $1.place) }
        let shown = try places.prefix(Self.mostImages).map { try html(entries[$0.place], results.entries[$0.place].values) }
        let left = places.count - shown.count
        return """
            <p class="note">\(words.html) Drag to move, Ctrl + wheel or a double click to zoom; the arrow keys, + − and 0 do it too.\
            \(left > 0 ? " \(left) more images are not shown." : "")</p>
            """ + shown.joined(separator: "\n")
    }

    private var words: String {
        let other = reference.map { $0 == subject ? "the original" : results.runs[$0].label } ?? "the original"
        return """
            Each begins at the spot where \(results.runs[subject].label) is farthest from \(other). Images larger than \
            \(Self.mostSide) pixels are cut to the part around it.
            """
    }

    private struct Shown {
        let original, low: Image
        /// By run; those of `schedule` and the baselines.
        let made: [(run: Int, image: Image)]
    }

    private func load(_ entry: ImageSet.Entry) throws -> Shown {
        let pair = try ImageSet.load(entry, scale: plan.scale, degradation: plan.degradation)
        let made = try results.runs.indices.filter { results.runs[$0].schedule == nil || results.runs[$0].schedule == schedule }.map { run in
            let seed = results.runs[run].schedule == nil ? 0 : plan.seeds[0]
            guard let kept = store.load(Evaluation.key(results.runs[run], entry, low: pair.low, seed: seed, plan: plan)) else {
                throw ToolError("\(entry.path): the image of \(results.runs[run].label) went away before the report was written")
            }
            return (run, kept.image)
        }
        return Shown(original: pair.original, low: pair.low, made: made)
    }

    /// The middle of the 32×32 block with the greatest mean squared error between what is compared.
    private func spot(_ shown: Shown) -> (x: Int, y: Int, error: Double) {
        let (a, b) = compared(shown), side = min(32, a.width, a.height)
        var best = (x: a.width / 2, y: a.height / 2, error: -1.0)
        for top in Self.steps(a.height, side) {
            for left in Self.steps(a.width, side) {
                var sum = 0
                for y in top..<top + side {
                    for i in (y * a.width + left) * a.channels..<(y * a.width + left + side) * a.channels {
                        let difference = Int(a.samples[i]) - Int(b.samples[i])
                        sum += difference * difference
                    }
                }
                let error = Double(sum) / Double(side * side * a.channels)
                if error > best.error { best = (left + side / 2, top + side / 2, error) }
            }
        }
        return best
    }

    private static func steps(_ length: Int, _ side: Int) -> [Int] { Array(stride(from: 0, through: length - side, by: 16)) }

    private func compared(_ shown: Shown) -> (Image, Image) {
        let own = shown.made.first { $0.run == subject }!.image
        guard let reference, reference != subject else { return (own, shown.original) }
        return (own, shown.made.first { $0.run == reference }!.image)
    }

    private func html(_ entry: ImageSet.Entry, _ values: [[Metric: Double]]) throws -> String {
        let shown = try load(entry), spot = spot(shown), scale = plan.scale
        let width = min(shown.original.width, Self.mostSide / scale * scale), height = min(shown.original.height, Self.mostSide / scale * scale)
        let left = max(0, min(shown.original.width - width, spot.x - width / 2)) / scale * scale
        let top = max(0, min(shown.original.height - height, spot.y - height / 2)) / scale * scale
        var tiles: [String] = [], places: [Int: Int] = [:], count = 0
        func add(_ name: String, _ note: String, _ image: Image) throws {
            let source = "data:image/png;base64," + base64(try image.encoded(as: .png))
            tiles.append(Self.tile(name, note, """
                <img alt="\(name.html)" width="\(width)" height="\(height)" draggable="false" src="\(source)">
                """))
            count += 1
        }
        try add("input", "\(shown.low.width)×\(shown.low.height)", shown.low.window(left / scale, top / scale, width / scale, height / scale))
        for (run, image) in shown.made {
            places[run] = count
            let facts = [values[run][.psnr].map { "\(Metric.psnr.text($0)) dB" }, values[run][.lpips].map { "LPIPS \(Metric.lpips.text($0))" }]
            try add(results.runs[run].label, facts.compactMap { $0 }.joined(separator: ", "), image.window(left, top, width, height))
        }
        let truth = count
        try add("original", "\(shown.original.width)×\(shown.original.height)", shown.original.window(left, top, width, height))
        let hasReference = reference != nil && reference != subject
        tiles.append(Self.tile(
            "difference", "\(results.runs[subject].label) − \(hasReference ? results.runs[reference!].label : "original")", """
                <canvas width="\(width)" height="\(height)" data-a="\(places[subject]!)" data-b="\(hasReference ? places[reference!]! : truth)"></canvas>
                """))
        let gain = hasReference ? 8 : 2
        let near = values[subject][.psnr_to_reference].map { ", \(Metric.psnr.text($0)) dB from the reference" } ?? ""
        return """
            <section class="image" data-width="\(width)" data-height="\(height)" data-x="\(spot.x - left)" data-y="\(spot.y - top)">
            <h3>\((entry.name + near).html)</h3>
            <div class="bar"><button data-do="out" aria-label="zoom out">−</button><button data-do="in" aria-label="zoom in">+</button>\
            <button data-do="worst">Worst spot</button><button data-do="whole">Whole</button>\
            <label>difference <output>×\(gain)</output> <input type="range" min="1" max="32" value="\(gain)" aria-label="gain"></label></div>
            <div class="tiles">\(tiles.joined())</div></section>
            """
    }

    private static func tile(_ name: String, _ note: String, _ content: String) -> String {
        "<div class=\"tile\"><div class=\"view\" tabindex=\"0\">\(content)</div><b>\(name.html)</b> <span>\(note.html)</span></div>\n"
    }
}

extension Image {
    fileprivate func window(_ left: Int, _ top: Int, _ width: Int, _ height: Int) -> Image {
        var out: [UInt16] = []
        out.reserveCapacity(width * height * channels)
        for y in top..<top + height { out += samples[(y * self.width + left) * channels..<(y * self.width + left + width) * channels] }
        return Image(width: width, height: height, channels: channels, bitDepth: bitDepth, samples: out)
    }
}

/// RFC 4648, section 4.
private func base64(_ bytes: [UInt8]) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var out: [UInt8] = []
    out.reserveCapacity((bytes.count + 2) / 3 * 4)
    for i in stride(from: 0, to: bytes.count, by: 3) {
        let count = min(3, bytes.count - i)
        var group = 0
        for k in 0..<3 { group = group << 8 | (k < count ? Int(bytes[i + k]) : 0) }
        for k in 0..<4 { out.append(k <= count ? alphabet[group >> (18 - 6 * k) & 63] : UInt8(ascii: "=")) }
    }
    return String(decoding: out, as: UTF8.self)
}
