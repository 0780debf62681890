import SRDFile

/// What `--json` prints. Objects keep the order they are written in.
public enum JSON: Sendable {
    case null
    case bool(Bool)
    case int(Int)
    case unsigned(UInt64)
    case number(Double)
    case string(String)
    case array([JSON])
    case object([(key: String, value: JSON)])

    /// Indented by two spaces, and no line end at the end; a list of numbers stays on one line.
    public var text: String { text(indent: "") }

    /// On one line.
    public var line: String {
        switch self {
        case .array(let values): "[" + values.map(\.line).joined(separator: ", ") + "]"
        case .object(let members):
            "{" + members.map { "\($0.key.json): \($0.value.line)" }.joined(separator: ", ") + "}"
        default: text
        }
    }

    private func text(indent: String) -> String {
        switch self {
        case .null: return "null"
        case .bool(let value): return value ? "true" : "false"
        case .int(let value): return String(value)
        case .unsigned(let value): return String(value)
        case .number(let value): return value.isFinite ? "\(value)" : "null"  // JSON has no ∞
        case .string(let value): return value.json
        case .array(let values):
            let isFlat = values.allSatisfy {
                if case .int = $0 { true } else if case .number = $0 { true } else { false }
            }
            if isFlat { return "[" + values.map(\.text).joined(separator: ", ") + "]" }
            return Self.block("[", values.map { $0.text(indent: indent + "  ") }, "]", indent)
        case .object(let members):
            return Self.block(
                "{", members.map { "\($0.key.json): \($0.value.text(indent: indent + "  "))" }, "}", indent)
        }
    }

    private static func block(_ open: String, _ members: [String], _ close: String, _ indent: String) -> String {
        members.isEmpty
            ? open + close
            : "\(open)\n\(indent)  " + members.joined(separator: ",\n\(indent)  ") + "\n\(indent)\(close)"
    }
}

extension JSON: ExpressibleByDictionaryLiteral, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByBooleanLiteral
{
    public init(dictionaryLiteral elements: (String, JSON)...) {
        self = .object(elements.map { (key: $0.0, value: $0.1) })
    }
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int) { self = .int(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
}
