import ArgumentParser
import SRDiff
import ToolSupport

/// The rows of the result that `--rows` asks for.
enum RowRequest: Hashable, Sendable, ExpressibleByArgument {
    /// Rows A to B − 1.
    case range(Range<Int>)
    case share(Share)

    init?(argument: String) {
        if let share = Share(argument: argument) {
            self = .share(share)
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
        case .share(let share): "rows\(share.index)of\(share.count)"
        }
    }

    /// Throws if a result of this height does not have the rows.
    func rows(of height: Int) throws -> Range<Int> {
        switch self {
        case .range(let rows):
            guard rows.upperBound <= height else { throw SRDiffError.badRows(found: rows, height: height) }
            return rows
        case .share(let share):
            let rows = share.range(of: height)
            guard !rows.isEmpty else { throw ToolError("--rows \(share): the result has only \(height) rows") }
            return rows
        }
    }
}
