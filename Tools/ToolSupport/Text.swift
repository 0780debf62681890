/// Numbers as people read them. Foundation would do it too, at 30 MB in a static binary.
public enum Text {
    /// Returns a number with a fixed number of decimals.
    public static func fixed(_ value: Double, _ decimals: Int) -> String {
        guard value.isFinite, abs(value) < 1e15 else { return "\(value)" }
        var power = 1.0
        for _ in 0..<decimals { power *= 10 }
        let scaled = Int((abs(value) * power).rounded())
        let digits = String(scaled),
            padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
        let sign = value < 0 && scaled != 0 ? "-" : ""
        return decimals == 0 ? sign + padded : sign + padded.dropLast(decimals) + "." + padded.suffix(decimals)
    }

    /// Three digits or so: 0.12, 3.45, 67.8, 901.
    public static func short(_ value: Double) -> String {
        let size = abs(value)
        return fixed(value, size < 10 ? 2 : size < 100 ? 1 : 0)
    }

    /// 12, 3.9 M, 41.5 G, …
    public static func count(_ value: Double) -> String {
        scaled(value, step: 1000, units: ["", "K", "M", "G", "T", "P"])
    }

    private static func scaled(_ value: Double, step: Double, units: [String]) -> String {
        var value = value, unit = 0
        while value >= step && unit + 1 < units.count {
            value /= step
            unit += 1
        }
        let number = unit == 0 ? fixed(value, 0) : short(value)
        return units[unit].isEmpty ? number : "\(number) \(units[unit])"
    }

    /// 0.35 s, 12 s, 3 min 20 s, 1 h 5 min
    public static func duration(_ seconds: Double) -> String {
        guard seconds >= 10 else { return fixed(seconds, 2) + " s" }
        let whole = Int(min(seconds, 1e12).rounded())
        if whole < 60 { return fixed(seconds, whole < 20 ? 1 : 0) + " s" }
        if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
        return "\(whole / 3600) h \(whole % 3600 / 60) min"
    }
}

extension Duration {
    public var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}
