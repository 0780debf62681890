/// What is wrong with a safetensors file, or with what was asked of it. Offsets count bytes from the file's start.
public enum SafetensorsError: Error, Equatable, CustomStringConvertible, Sendable {
    case truncated(needs: Int, has: Int)
    case headerTooLong(UInt64)
    /// The header is not the JSON it should be.
    case header(at: Int, expected: String)
    case duplicateKey(String)
    case unknownType(key: String, found: String)
    /// `found` bytes belong to the tensor, its shape and type need `expected` (nil: more than memory can hold).
    case wrongSize(key: String, found: Int, expected: Int?)
    /// The tensors do not lie one after another: this one starts at `found` of the data, where `expected` is next.
    case overlap(key: String, found: Int, expected: Int)
    case gap(key: String, found: Int, expected: Int)
    case trailingBytes(Int)

    case missing(key: String)
    case wrongType(key: String, found: ElementType, expected: [ElementType])
    case wrongShape(key: String, found: [Int], expected: [Int])

    public var description: String {
        switch self {
        case .truncated(let needs, let has): "file is cut short: \(needs) bytes needed, \(has) there"
        case .headerTooLong(let length): "header of \(length) bytes, at most \(Safetensors.longestHeader) are allowed"
        case .header(let offset, let expected): "byte \(offset) of the header: \(expected) expected"
        case .duplicateKey(let key): "key \"\(key)\" comes twice"
        case .unknownType(let key, let found): "tensor \"\(key)\" has the unknown type \"\(found)\""
        case .wrongSize(let key, let found, let expected):
            "tensor \"\(key)\" has \(found) bytes, its shape and type need \(expected.map(String.init) ?? "more than there can be")"
        case .overlap(let key, let found, let expected):
            "tensor \"\(key)\" starts at \(found) and overlaps the one before it, which ends at \(expected)"
        case .gap(let key, let found, let expected): "unused bytes before tensor \"\(key)\": it starts at \(found), not at \(expected)"
        case .trailingBytes(let count): "\(count) bytes after the last tensor"
        case .missing(let key): "tensor \"\(key)\" is missing"
        case .wrongType(let key, let found, let expected):
            "tensor \"\(key)\" is \(found.rawValue), expected \(expected.map(\.rawValue).joined(separator: " or "))"
        case .wrongShape(let key, let found, let expected): "tensor \"\(key)\" has shape \(found), expected \(expected)"
        }
    }
}
