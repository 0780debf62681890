import ArgumentParser
import SRDiff
import ToolSupport

enum Format: String, CaseIterable, ExpressibleByArgument {
    case md, csv, json
}

/// Measurements in every format: a row for each, a column for each quantity.
struct Measurements {
    struct Column {
        /// For programs, and for people.
        let key, heading: String
        var decimals = 0
    }

    let columns: [Column]
    var rows: [[JSON]] = []

    /// The table in a format. JSON names the machine and the version too.
    func text(_ format: Format) -> String {
        switch format {
        case .md: markdown
        case .csv: csv
        case .json:
            JSON.object([
                ("machine", Machine.name.map { .string($0) } ?? .null), ("version", .string(SRDiffVersion.string)),
                ("results", json),
            ]).text
        }
    }

    var json: JSON {
        .array(rows.map { row in .object(zip(columns, row).map { (key: $0.key, value: $1) }) })
    }

    var csv: String {
        ([columns.map(\.key)] + rows.map { $0.map(Self.cell) }).map { $0.joined(separator: ",") }.joined(
            separator: "\n")
    }

    /// The columns that have a value in some row.
    var markdown: String {
        let shown = columns.indices.filter { i in rows.contains { if case .null = $0[i] { false } else { true } } }
        return Table(
            shown.map { columns[$0].heading },
            rows.map { row in
                shown.map { i in
                    if case .number(let value) = row[i] {
                        Text.fixed(value, columns[i].decimals)
                    } else {
                        Self.cell(row[i])
                    }
                }
            }
        ).markdown
    }

    private static func cell(_ value: JSON) -> String {
        switch value {
        case .null: ""
        case .string(let text): text
        default: value.text
        }
    }
}
