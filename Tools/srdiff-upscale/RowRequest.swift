import ArgumentParser
import SRDiff
import ToolSupport

/// The rows of the result that `--rows` asks for.
enum RowRequest: Hashable, Sendable, ExpressibleByArgument {
    /// Rows A to B − 1.
    case range(Range<Int>)
    case part(Shard)

    init?(argument: String) {
        if let part = Shard(argument: argument) {
            self = .part(part)
            return
        }
        let numbers = argument.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
        guard numbers.count == 2, let first = numbers[0], let end = numbers[1], first >= 0, first < end else {
            return nil
        }
        self = .range(first..<end)
    }

    /// For the name of a result.
    var name: String {
        switch self {
        case .range(let rows): "rows\(rows.lowerBound)-\(rows.upperBound)"
        case .part(let part): "rows\(part.index)of\(part.count)"
        }
    }

    /// Throws if a result of this height does not have the rows.
    func rows(of height: Int) throws -> Range<Int> {
        switch self {
        case .range(let rows):
            guard rows.upperBound <= height else { throw SRDiffError.badRows(found: rows, height: height) }
            return rows
        case .part(let part):
            let rows = part.range(of: height)
            guard !rows.isEmpty else { throw ToolError("--rows \(part): the result has only \(height) rows") }
            return rows
        }
    }
}
