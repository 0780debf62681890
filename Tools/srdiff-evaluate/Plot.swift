import ToolSupport

/// A chart as SVG; its colours are the page's.
struct Plot {
    struct Point {
        let x, y: Double
        /// Shown where the pointer rests.
        let tip: String
    }

    struct Series {
        let name: String
        let points: [Point]
    }

    let title, xLabel, yLabel: String
    let series: [Series]
    var joined = true
    /// Names for x = 0, 1, …, instead of numbers.
    var categories: [String] = []
    /// Places of x and their names, where x is no plain number.
    var ticks: [(x: Double, name: String)] = []
    /// Means with their intervals, at places of x.
    var means: [(x: Double, mean: Double, halfWidth: Double?)] = []

    static let width = 640.0, height = 300.0
    private static let left = 58.0, right = 14.0, top = 14.0, bottom = 44.0

    /// The plot with its title and legend, as a figure of a page.
    var figure: String {
        let drawing = svg()
        guard !drawing.isEmpty else { return "" }
        return "<figure class=\"plot\"><figcaption>\(title.html)</figcaption>\(drawing)\(legend)</figure>"
    }

    private var legend: String {
        guard series.count > 1 else { return "" }
        let names = series.enumerated().map { "<span class=\"c\($0 % 6)\">●</span> \($1.name.html)" }
        return "<p class=\"legend\">" + names.joined(separator: " &ensp; ") + "</p>"
    }

    /// The drawing without title and legend, at a position inside another drawing if one is given. Empty if there is
    /// nothing to draw.
    func svg(x left: Double? = nil, y top: Double = 0) -> String {
        let points = series.flatMap(\.points).filter { $0.y.isFinite }
        guard !points.isEmpty else { return "" }
        let edges = means.flatMap { [$0.mean - ($0.halfWidth ?? 0), $0.mean + ($0.halfWidth ?? 0)] }.filter(\.isFinite)
        let ys = Self.ticks(points.map(\.y) + edges)
        let xs =
            categories.isEmpty
            ? ticks.isEmpty ? Self.ticks(points.map(\.x)) : ticks.map(\.x) : categories.indices.map { Double($0) }
        let xRange =
            categories.isEmpty
            ? (points.map(\.x).min()!, max(points.map(\.x).max()!, points.map(\.x).min()! + 1e-9))
            : (-0.5, Double(categories.count) - 0.5)
        let yRange = (ys.first!, ys.last!)
        func x(_ value: Double) -> Double {
            Self.left + 6 + (value - xRange.0) / (xRange.1 - xRange.0) * (Self.width - Self.left - Self.right - 12)
        }
        func y(_ value: Double) -> Double {
            Self.height - Self.bottom - (value - yRange.0) / (yRange.1 - yRange.0)
                * (Self.height - Self.top - Self.bottom)
        }
        func n(_ value: Double) -> String { Text.fixed(value, 1) }

        let place =
            left.map { " x=\"\(n($0))\" y=\"\(n(top))\" width=\"\(n(Self.width))\" height=\"\(n(Self.height))\"" } ?? ""
        var out = [
            "<svg\(place) viewBox=\"0 0 \(n(Self.width)) \(n(Self.height))\" role=\"img\" aria-label=\"\(title.html)\">"
        ]
        let digits = Self.decimals(ys)
        for tick in ys {
            out.append(
                """
                <line class="grid" x1="\(n(Self.left))" x2="\(n(Self.width - Self.right))" \
                y1="\(n(y(tick)))" y2="\(n(y(tick)))"/>
                """
            )
            out.append(
                """
                <text x="\(n(Self.left - 6))" y="\(n(y(tick) + 4))" text-anchor="end">\(Text.fixed(tick, digits))</text>
                """
            )
        }
        for (i, tick) in xs.enumerated() where tick >= xRange.0 && tick <= xRange.1 {
            let text =
                categories.isEmpty
                ? ticks.isEmpty ? Text.fixed(tick, Self.decimals(xs)) : ticks[i].name : categories[Int(tick)]
            out.append(
                """
                <text x="\(n(x(tick)))" y="\(n(Self.height - Self.bottom + 17))" \
                text-anchor="middle">\(text.html)</text>
                """
            )
        }
        out.append(
            """
            <text class="label" x="\(n((Self.left + Self.width) / 2))" y="\(n(Self.height - 6))" \
            text-anchor="middle">\(xLabel.html)</text>
            """
        )
        out.append(
            """
            <text class="label" transform="translate(13 \(n((Self.height - Self.bottom) / 2))) rotate(-90)" \
            text-anchor="middle">\(yLabel.html)</text>
            """
        )
        for (i, series) in series.enumerated() {
            let points = series.points.filter { $0.y.isFinite }
            if joined && points.count > 1 {
                let path = points.map { "\(n(x($0.x))),\(n(y($0.y)))" }.joined(separator: " ")
                out.append("<polyline class=\"c\(i % 6)\" points=\"\(path)\"/>")
            }
            for point in points {
                out.append(
                    """
                    <circle class="c\(i % 6)" cx="\(n(x(point.x)))" cy="\(n(y(point.y)))" \
                    r="3.2"><title>\(point.tip.html)</title></circle>
                    """
                )
            }
        }
        for mean in means where mean.mean.isFinite {
            let half = mean.halfWidth ?? 0
            out.append(
                """
                <line class="mean" x1="\(n(x(mean.x) - 14))" x2="\(n(x(mean.x) + 14))" \
                y1="\(n(y(mean.mean)))" y2="\(n(y(mean.mean)))"/>
                """
            )
            out.append(
                """
                <line class="mean" x1="\(n(x(mean.x)))" x2="\(n(x(mean.x)))" y1="\(n(y(mean.mean - half)))" \
                y2="\(n(y(mean.mean + half)))"/>
                """
            )
        }
        out.append("</svg>")
        return out.joined()
    }

    /// Four or so round numbers around the values.
    private static func ticks(_ values: [Double]) -> [Double] {
        let low = values.min()!, high = values.max()!, span = high > low ? high - low : max(abs(high) * 0.1, 0.01)
        var step = 1e-6
        search: while true {
            for factor in [1.0, 2, 5] where span / (step * factor) <= 5 {
                step *= factor
                break search
            }
            step *= 10
        }
        let first = (low / step).rounded(.down), last = max(first + 1, (high / step).rounded(.up))
        return stride(from: first, through: last, by: 1).map { $0 * step }
    }

    private static func decimals(_ ticks: [Double]) -> Int {
        let step = ticks.count > 1 ? ticks[1] - ticks[0] : 1
        return step >= 0.999 ? 0 : step >= 0.0999 ? 1 : step >= 0.00999 ? 2 : step >= 0.000999 ? 3 : 5
    }
}
