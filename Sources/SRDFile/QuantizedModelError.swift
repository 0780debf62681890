import SRDModel

/// What is wrong with an int8 model file. Every case names the key.
public enum QuantizedModelError: Error, Equatable, CustomStringConvertible, Sendable {
    /// Metadata `format` is not ours; nil where there is none.
    case notQuantized(format: String?)
    case unknownVersion(String)
    case missingMetadata(key: String)
    case badMetadata(key: String, found: String, expected: String)
    /// An element of a tensor, counted from 0 in row-major order.
    case badElement(key: String, index: Int, found: String, expected: String)
    case unknownKey(String)
    /// An int8 layer reads `value`, which is kept in float.
    case inputNotQuantized(layer: String, value: String)
    case safetensors(SafetensorsError)
    case model(ModelError)

    public var description: String {
        switch self {
        case .notQuantized(let format):
            """
            not an int8 model: metadata `format` is \(format.map { "\"\($0.printable)\"" } ?? "missing"), expected \
            "\(QuantizedModelFile.format)"
            """
        case .unknownVersion(let found):
            """
            metadata `format_version` is "\(found.printable)"; this program reads version \(QuantizedModelFile.version)
            """
        case .missingMetadata(let key): "metadata `\(key.printable)` is missing"
        case .badMetadata(let key, let found, let expected):
            "metadata `\(key.printable)` is \"\(found.printable)\", expected \(expected)"
        case .badElement(let key, let index, let found, let expected):
            "element \(index) of tensor `\(key.printable)` is \(found), expected \(expected)"
        case .unknownKey(let key): "tensor `\(key.printable)` does not belong in an int8 model of this version"
        case .inputNotQuantized(let layer, let value):
            "layer `\(layer.printable)` is int8, but its input `\(value.printable)` has no scale"
        case .safetensors(let error): error.description
        case .model(let error): error.description
        }
    }
}
