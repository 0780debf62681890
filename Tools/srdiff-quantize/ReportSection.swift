import ToolSupport

/// A section of a report: a heading, paragraphs and a table.
struct ReportSection {
    let title: String
    let words: [String]
    let table: Table?
    /// The table with all rows, for Markdown, if `table` has only some.
    let fullTable: Table?
    /// A line below the table, for terminals.
    let remark: String?

    init(_ title: String, _ words: [String], table: Table? = nil, fullTable: Table? = nil, remark: String? = nil) {
        self.title = title
        self.words = words
        self.table = table
        self.fullTable = fullTable
        self.remark = remark
    }

    var text: String {
        var parts = [title.uppercased()] + words.map(Self.wrapped)
        if let table { parts.append(table.text) }
        if let remark { parts.append(remark) }
        return parts.joined(separator: "\n")
    }

    var markdown: String {
        var parts = ["## \(title)"] + words
        if let table = fullTable ?? table { parts.append(table.markdown) }
        return parts.joined(separator: "\n\n")
    }

    /// Lines of at most 100 characters.
    private static func wrapped(_ text: String) -> String {
        var lines: [String] = [], line = ""
        for word in text.split(separator: " ") {
            if !line.isEmpty && line.count + 1 + word.count > 100 {
                lines.append(line)
                line = ""
            }
            line += line.isEmpty ? String(word) : " \(word)"
        }
        return (lines + [line]).joined(separator: "\n")
    }
}
