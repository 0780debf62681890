import ToolSupport

/// A condition of `--fail-if`, such as `psnr_drop>0.1`.
struct Condition {
    enum Side: String { case value = "", drop = "_drop", rise = "_rise" }

    let text: String
    let metric: Metric
    let side: Side
    private let comparison: String
    private let bound: Double

    var needsReference: Bool { side != .value || metric == .psnr_to_reference }

    init?(_ text: String) {
        guard let start = text.firstIndex(where: { "<>".contains($0) }) else { return nil }
        var comparison = String(text[start]), rest = text[text.index(after: start)...]
        if rest.first == "=" { comparison += "="; rest = rest.dropFirst() }
        func trimmed(_ text: Substring) -> String { text.split(whereSeparator: \.isWhitespace).joined(separator: " ") }
        let name = trimmed(text[..<start])
        let side: Side = name.hasSuffix("_drop") ? .drop : name.hasSuffix("_rise") ? .rise : .value
        guard let bound = Double(trimmed(rest)), bound.isFinite,
            let metric = Metric(rawValue: String(name.dropLast(side.rawValue.count)))
        else { return nil }
        guard side == .value || metric != .psnr_to_reference else { return nil }
        self.text = text
        self.metric = metric
        self.side = side
        self.comparison = comparison
        self.bound = bound
    }

    /// The message for each run that fails, without the reference and the baselines. A run whose metric could not be
    /// measured fails.
    func failures(in results: Results) -> [String] {
        results.runs.indices.filter { results.runs[$0].schedule != nil && !results.runs[$0].isReference }.compactMap {
            run in
            let value =
                switch side {
                case .value: results.sample(metric, run: run)?.mean
                case .drop: results.differences(metric, run: run).map { -$0.mean }
                case .rise: results.differences(metric, run: run)?.mean
                }
            guard let value else {
                return "\(results.runs[run].label): \(metric.rawValue) could not be measured (\(text))"
            }
            let fails =
                switch comparison {
                case ">": value > bound
                case ">=": value >= bound
                case "<": value < bound
                default: value <= bound
                }
            let name = "\(results.runs[run].label): \(metric.rawValue)\(side.rawValue)"
            return fails ? "\(name) is \(Text.fixed(value, 4)) (\(text))" : nil
        }
    }
}
