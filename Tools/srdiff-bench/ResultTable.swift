import ArgumentParser
import ToolSupport

enum Format: String, CaseIterable, ExpressibleByArgument {
    case md, csv, json
}

/// Results in every format: a row for each, a column for each quantity.
struct ResultTable {
    struct Column {
        /// For programs, and for people.
        let key, heading: String
        var decimals = 0
    }

    let columns: [Column]
    var rows: [[JSON]] = []

    var json: JSON {
        .array(rows.map { row in .object(zip(columns, row).map { (key: $0.key, value: $1) }) })
    }

    var csv: String {
        ([columns.map(\.key)] + rows.map { $0.map(Self.cell) }).map { $0.joined(separator: ",") }.joined(separator: "\n")
    }

    /// Without the columns that this machine says nothing for.
    var markdown: String {
        let shown = columns.indices.filter { i in rows.contains { if case .null = $0[i] { false } else { true } } }
        let lines = [shown.map { columns[$0].heading }, shown.map { _ in "---" }] + rows.map { row in
            shown.map { i in
                if case .number(let value) = row[i] { Text.fixed(value, columns[i].decimals) } else { Self.cell(row[i]) }
            }
        }
        return lines.map { "| " + $0.joined(separator: " | ") + " |" }.joined(separator: "\n")
    }

    private static func cell(_ value: JSON) -> String {
        switch value {
        case .null: ""
        case .string(let text): text
        default: value.text
        }
    }
}
