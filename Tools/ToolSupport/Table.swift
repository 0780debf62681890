/// A table of texts, for a terminal and as Markdown.
public struct Table {
    /// Text over the table; in a terminal it takes the place of the first column's heading.
    public let title: String
    public let heading: [String]
    public let rows: [[String]]
    /// The columns that are aligned to the right.
    public let right: Set<Int>
    /// Text below the table.
    public let note: String

    public init(_ heading: [String], _ rows: [[String]], right: Set<Int> = [], title: String = "", note: String = "") {
        self.title = title
        self.heading = heading
        self.rows = rows
        self.right = right
        self.note = note
    }

    /// Aligned columns, two spaces apart.
    public var text: String {
        let first = title.isEmpty ? heading : [title] + heading.dropFirst()
        let table = Self.aligned([first] + rows, right: right)
        return note.isEmpty ? table : table + "\n" + note
    }

    public var markdown: String {
        let rule = heading.indices.map { right.contains($0) ? "---:" : "---" }
        return ([heading, rule] + rows).map { "| \($0.joined(separator: " | ")) |" }.joined(separator: "\n")
    }

    /// Rows in columns that are as wide as their widest cell.
    public static func aligned(_ rows: [[String]], right: Set<Int> = []) -> String {
        var widths: [Int] = []
        for row in rows {
            for (i, cell) in row.enumerated() {
                if i == widths.count { widths.append(0) }
                widths[i] = max(widths[i], cell.count)
            }
        }
        return rows.map { row in
            var line = row.enumerated().map { i, cell in
                let space = String(repeating: " ", count: widths[i] - cell.count)
                return right.contains(i) ? space + cell : cell + space
            }.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line
        }.joined(separator: "\n")
    }
}
