/// Counts by kind, in the order in which kinds first came.
public struct Tally: Sendable {
    private var entries: [(kind: String, plural: String, count: Int)] = []

    public init() {}

    public var total: Int { entries.reduce(0) { $0 + $1.count } }

    /// - Parameter plural: `kind` with an s if nil.
    public mutating func add(_ kind: String, plural: String? = nil, count: Int = 1) {
        if let i = entries.firstIndex(where: { $0.kind == kind }) {
            entries[i].count += count
        } else {
            entries.append((kind, plural ?? kind + "s", count))
        }
    }

    public mutating func add(_ other: Tally) {
        for entry in other.entries { add(entry.kind, plural: entry.plural, count: entry.count) }
    }

    /// "2 HEIC, 1 folder". Kinds after the sixth are summed up.
    public var text: String {
        var parts = entries.prefix(6).map { "\($0.count) \($0.count == 1 ? $0.kind : $0.plural)" }
        let others = entries.dropFirst(6).reduce(0) { $0 + $1.count }
        if others > 0 { parts.append("\(others) more") }
        return parts.joined(separator: ", ")
    }

    public var json: JSON { .object(entries.map { (key: $0.kind, value: .int($0.count)) }) }
}
