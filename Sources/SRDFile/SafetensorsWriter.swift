import SRDTensor

/// A tensor to be written: its elements as little-endian bytes.
public struct SafetensorsTensor: Equatable, Sendable {
    public let name: String
    public let type: ElementType
    public let shape: [Int]
    public let bytes: [UInt8]

    /// Traps unless `bytes` holds what shape and type say.
    public init(_ name: String, _ type: ElementType, shape: [Int], bytes: [UInt8]) {
        // Not from the type's size on: the dimensions before a 0 may be large.
        precondition(
            ElementType.count(of: shape).map { $0 * type.size } == bytes.count,
            "\(name): \(bytes.count) bytes for \(type) \(shape)")
        precondition(name != "__metadata__", "the name of the metadata is taken")
        self.name = name
        self.type = type
        self.shape = shape
        self.bytes = bytes
    }

    // Element bytes are copied as they lie in memory: Swift's Linux boards are all little-endian.
    public init(_ name: String, _ tensor: FloatTensor) {
        self.init(name, .f32, shape: tensor.shape, bytes: tensor.values.withUnsafeBytes { Array($0) })
    }

    /// Rounded to binary16, ties to even. Values of 65520 and more become infinite: ask first.
    public init(halves name: String, _ tensor: FloatTensor) {
        let halves = tensor.values.map { ElementType.half($0) }
        self.init(name, .f16, shape: tensor.shape, bytes: halves.withUnsafeBytes { Array($0) })
    }

    public init(_ name: String, shape: [Int], _ values: [Int8]) {
        self.init(name, .i8, shape: shape, bytes: values.map { UInt8(bitPattern: $0) })
    }

    public init(_ name: String, shape: [Int], _ values: [Int32]) {
        self.init(name, .i32, shape: shape, bytes: values.withUnsafeBytes { Array($0) })
    }
}

extension Safetensors {
    /// Writes a file whose bytes depend on nothing but the tensors and the metadata, whatever their order.
    public static func write(_ tensors: [SafetensorsTensor], metadata: [String: String] = [:], to path: String)
        throws(FileError)
    {
        try FileOutput.write(atomically: encode(tensors, metadata: metadata), to: path)
    }

    /// The file in pieces: its header, then each tensor's bytes. Traps when two tensors have one name.
    ///
    /// Data starts at a multiple of 64 bytes, wide elements before narrow ones and names in order, so that every
    /// tensor is aligned to its elements though the format allows no gaps.
    public static func encode(_ tensors: [SafetensorsTensor], metadata: [String: String] = [:]) -> [[UInt8]] {
        precondition(Set(tensors.map(\.name)).count == tensors.count, "two tensors of one name")
        let sorted = tensors.sorted { ($1.type.size, $0.name) < ($0.type.size, $1.name) }
        var members: [String] = []
        if !metadata.isEmpty {
            let strings = metadata.sorted { $0.key < $1.key }.map { "\($0.key.json):\($0.value.json)" }
            members.append("\"__metadata__\":{\(strings.joined(separator: ","))}")
        }
        var offset = 0
        for tensor in sorted {
            let end = offset + tensor.bytes.count
            let shape = tensor.shape.map(String.init).joined(separator: ",")
            members.append(
                """
                \(tensor.name.json):{"dtype":"\(tensor.type.rawValue)","shape":[\(shape)],\
                "data_offsets":[\(offset),\(end)]}
                """)
            offset = end
        }
        var header = Array("{\(members.joined(separator: ","))}".utf8)
        header += [UInt8](repeating: 0x20, count: 63 - (8 + header.count + 63) % 64)
        let length = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) }
        return [length + header] + sorted.map(\.bytes)
    }
}
