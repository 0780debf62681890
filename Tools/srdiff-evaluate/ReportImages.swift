import SRDiff
import ToolSupport

/// The images of a report side by side, the worst first.
struct ReportImages {
    let results: Results
    let plan: EvaluationPlan
    let store: ImageStore
    let subject: ReportSubject

    /// Images that are shown, and pixels a side of each: more would make the file heavy.
    private static let mostImages = 24, mostSide = 512

    func html() throws -> String {
        let entries = results.measured(of: plan)
        var places: [(place: Int, worst: Double)] = []
        for i in entries.indices { places.append((i, spot(try load(entries[i])).error)) }
        places.sort { ($1.worst, $0.place) < ($0.worst, $1.place) }
        let shown = try places.prefix(Self.mostImages).map {
            try section(entries[$0.place], results.entries[$0.place].values)
        }
        let left = places.count - shown.count
        return """
            <p class="note">\(note.html) Drag to move, Ctrl + wheel or a double click to zoom; the arrow keys, + − and \
            0 do it too.\(left > 0 ? " \(left) more images are not shown." : "")</p>
            """ + shown.joined(separator: "\n")
    }

    private var note: String {
        let other = subject.reference.map { results.runs[$0].label } ?? "the original"
        return """
            Each begins at the spot where \(results.runs[subject.run].label) is farthest from \(other). Images larger \
            than \(Self.mostSide) pixels are cut to the part around it.
            """
    }

    private struct Shown {
        let original, low: Image
        /// The images of the baselines and of the subject's schedule, by run.
        let results: [(run: Int, image: Image)]

        func image(of run: Int) -> Image { results.first { $0.run == run }!.image }
    }

    private func load(_ entry: ImageSet.Entry) throws -> Shown {
        let pair = try plan.load(entry)
        var images: [(run: Int, image: Image)] = []
        for (i, run) in results.runs.enumerated() where run.schedule == nil || run.schedule == subject.schedule {
            let seed = run.schedule == nil ? 0 : plan.seeds[0]
            guard let kept = store.load(plan.key(run, entry, low: pair.low, seed: seed)) else {
                throw ToolError("\(entry.path): the image of \(run.label) went away before the report was written")
            }
            images.append((i, kept.image))
        }
        return Shown(original: pair.original, low: pair.low, results: images)
    }

    /// The centre of the 32×32 block with the greatest mean squared error of the subject against the reference, or
    /// against the original if there is no reference.
    private func spot(_ shown: Shown) -> (x: Int, y: Int, error: Double) {
        let a = shown.image(of: subject.run), b = subject.reference.map(shown.image) ?? shown.original,
            side = min(32, a.width, a.height)
        func positions(_ length: Int) -> StrideThrough<Int> { stride(from: 0, through: length - side, by: 16) }
        var best = (x: a.width / 2, y: a.height / 2, error: -1.0)
        for top in positions(a.height) {
            for left in positions(a.width) {
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

    private func section(_ entry: ImageSet.Entry, _ values: [[Metric: Double]]) throws -> String {
        let shown = try load(entry), original = shown.original, spot = spot(shown), scale = plan.scale
        let width = min(original.width, Self.mostSide / scale * scale),
            height = min(original.height, Self.mostSide / scale * scale)
        let left = max(0, min(original.width - width, spot.x - width / 2)) / scale * scale
        let top = max(0, min(original.height - height, spot.y - height / 2)) / scale * scale
        var tiles: [String] = [], places: [Int: Int] = [:]
        func add(_ name: String, _ note: String, _ image: Image, scale: Int = 1) throws {
            let part = image.cropped(x: left / scale, y: top / scale, width: width / scale, height: height / scale)
            tiles.append(
                Self.tile(
                    name, note,
                    """
                    <img alt="\(name.html)" width="\(width)" height="\(height)" draggable="false" \
                    src="data:image/png;base64,\(try part.encoded(as: .png).base64)">
                    """))
        }
        try add("input", "\(shown.low.width)×\(shown.low.height)", shown.low, scale: scale)
        for (run, image) in shown.results {
            places[run] = tiles.count
            let facts = [
                values[run][.psnr].map { "\(Metric.psnr.text($0)) dB" },
                values[run][.lpips].map { "LPIPS \(Metric.lpips.text($0))" },
            ]
            try add(results.runs[run].label, facts.compactMap { $0 }.joined(separator: ", "), image)
        }
        let other = subject.reference.map { places[$0]! } ?? tiles.count
        try add("original", "\(original.width)×\(original.height)", original)
        tiles.append(
            Self.tile(
                "difference",
                """
                \(results.runs[subject.run].label) − \(subject.reference.map { results.runs[$0].label } ?? "original")
                """,
                """
                <canvas width="\(width)" height="\(height)" data-a="\(places[subject.run]!)" data-b="\(other)"></canvas>
                """))
        let gain = subject.reference == nil ? 2 : 8
        let near =
            values[subject.run][.psnr_to_reference].map { ", \(Metric.psnr.text($0)) dB from the reference" } ?? ""
        return """
            <section class="image" data-width="\(width)" data-height="\(height)" \
            data-x="\(spot.x - left)" data-y="\(spot.y - top)">
            <h3>\((entry.name + near).html)</h3>
            <div class="bar"><button data-do="out" aria-label="zoom out">−</button>\
            <button data-do="in" aria-label="zoom in">+</button>\
            <button data-do="worst">Worst spot</button><button data-do="whole">Whole</button>\
            <label>difference <output>×\(gain)</output> <input type="range" min="1" \
            max="32" value="\(gain)" aria-label="gain"></label></div>
            <div class="tiles">\(tiles.joined())</div></section>
            """
    }

    private static func tile(_ name: String, _ note: String, _ content: String) -> String {
        """
        <div class="tile"><div class="view" tabindex="0">\(content)</div><b>\(name.html)</b> \
        <span>\(note.html)</span></div>\n
        """
    }
}
