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

    /// More than any model needs.
    case tooMany(String, limit: Int)
    /// An index refers to a file by more than a plain name.
    case unsafeFileName(String)
    case file(FileError)

    public var description: String {
        switch self {
        case .truncated(let needs, let has): "the file is truncated (\(has) bytes, expected \(needs))"
        case .headerTooLong(let length): "the header has \(length) bytes, expected at most \(Safetensors.longestHeader)"
        case .header(let offset, let expected): "byte \(offset) of the header: expected \(expected.printable)"
        case .duplicateKey(let key): "key \"\(key.printable)\" occurs twice"
        case .unknownType(let key, let found): "tensor \"\(key.printable)\" has the unknown type \"\(found.printable)\""
        case .wrongSize(let key, let found, let expected):
            """
            tensor "\(key.printable)" has \(found) bytes, expected \
            \(expected.map(String.init) ?? "more than there can be") for its shape and type
            """
        case .overlap(let key, let found, let expected):
            "tensor \"\(key.printable)\" overlaps the one before it (starts at \(found), expected \(expected))"
        case .gap(let key, let found, let expected):
            "unused bytes before tensor \"\(key.printable)\" (starts at \(found), expected \(expected))"
        case .trailingBytes(let count): "\(count) bytes after the last tensor"
        case .missing(let key): "tensor \"\(key.printable)\" is missing"
        case .wrongType(let key, let found, let expected):
            """
            tensor "\(key.printable)" is \(found.rawValue), expected \
            \(expected.map(\.rawValue).joined(separator: " or "))
            """
        case .wrongShape(let key, let found, let expected):
            "tensor \"\(key.printable)\" has shape \(found), expected \(expected)"
        case .tooMany(let what, let limit): "too many \(what): at most \(limit) are allowed"
        case .unsafeFileName(let name):
            "the index refers to \"\(name.printable)\", expected the name of a safetensors file in the same folder"
        case .file(let error): error.description
        }
    }
}
