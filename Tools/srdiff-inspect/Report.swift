import SRDFile
import ToolSupport

/// What the tool shows of a file: for people, with lines of bounded length, and for programs.
protocol Report {
    var heading: String { get }
    var text: String { get }
    var json: JSON { get }
    /// Why the file is not a model, if it is none.
    var failure: String? { get }
    var warnings: [String] { get }
}

extension Text {
    /// Longest value that is shown in one line; longer ones are shortened in the middle. `--json` shows all.
    static let valueLimit = 96

    /// Lines of a name and a value. Both may come from the file.
    static func facts(_ facts: [(String, String)]) -> String {
        facts.map { name, value in
            let name = name.printable(limit: 40)
            return name + String(repeating: " ", count: max(2, 17 - name.count)) + value.printable(limit: valueLimit)
        }.joined(separator: "\n")
    }

    /// Names separated by commas, in lines of at most 100 characters.
    static func wrapped(_ names: [String]) -> String {
        var lines: [String] = [""]
        for (i, name) in names.enumerated() {
            let name = name.printable(limit: 80) + (i + 1 < names.count ? "," : "")
            if !lines[lines.count - 1].isEmpty, lines[lines.count - 1].count + name.count >= 100 { lines.append("") }
            lines[lines.count - 1] += lines[lines.count - 1].isEmpty ? "  " + name : " " + name
        }
        return lines.joined(separator: "\n")
    }

    /// Enough digits for a small value.
    static func shortNumber(_ value: Double) -> String {
        value != 0 && abs(value) < 0.01 ? fixed(value, 6) : fixed(value, 3)
    }
}
