/// The metadata and tensors of an int8 model file. Elements are checked, and the keys that were read are remembered.
struct CheckedTensors {
    /// Beyond these a scale's inverse, or 255 times it, would leave Float's range.
    private static let scales: ClosedRange<Float> = 0x1p-103...0x1p103

    let file: Safetensors
    private var used: Set<String> = []

    init(_ file: Safetensors) { self.file = file }

    /// Throws if the file contains a tensor that was not read.
    func checkAllRead() throws(QuantizedModelError) {
        if let unknown = file.entries.first(where: { !used.contains($0.name) }) { throw .unknownKey(unknown.name) }
    }

    func metadata(_ key: String) throws(QuantizedModelError) -> String {
        guard let text = file.metadata[key] else { throw .missingMetadata(key: key) }
        return text
    }

    mutating func read<T>(
        _ key: String, _ body: (Safetensors) throws(SafetensorsError) -> T
    ) throws(QuantizedModelError) -> T {
        used.insert(key)
        do throws(SafetensorsError) { return try body(file) } catch { throw .safetensors(error) }
    }

    /// Throws for the first value that is not valid.
    func check<T>(_ values: [T], _ key: String, expected: String, _ isValid: (T) -> Bool) throws(QuantizedModelError) {
        if let bad = values.firstIndex(where: { !isValid($0) }) {
            throw .badElement(key: key, index: bad, found: "\(values[bad])", expected: expected)
        }
    }

    mutating func int8s(_ key: String, _ shape: [Int]) throws(QuantizedModelError) -> [Int8] {
        try read(key) { file throws(SafetensorsError) in try file.int8s(key, shape: shape) }
    }

    mutating func flags(_ key: String, _ shape: [Int]) throws(QuantizedModelError) -> [Bool] {
        let values = try read(key) { file throws(SafetensorsError) in try file.uint8s(key, shape: shape) }
        try check(values, key, expected: "0 or 1") { $0 <= 1 }
        return values.map { $0 == 1 }
    }

    mutating func int32s(_ key: String, _ shape: [Int]? = nil) throws(QuantizedModelError) -> [Int] {
        try read(key) { file throws(SafetensorsError) in try file.int32s(key, shape: shape) }.map { Int($0) }
    }

    /// 1 to `count` different numbers of a range in ascending order.
    mutating func ascending(
        _ key: String, in range: ClosedRange<Int>, count: Int, expected: String
    ) throws(QuantizedModelError) -> [Int] {
        let values = try int32s(key), shape = file[key]!.shape
        guard shape == [values.count], (1...count).contains(values.count) else {
            throw .safetensors(.wrongShape(key: key, found: shape, expected: [min(max(values.count, 1), count)]))
        }
        for (i, value) in values.enumerated()
        where value > range.upperBound || value < (i == 0 ? range.lowerBound : values[i - 1] + 1) {
            throw .badElement(key: key, index: i, found: "\(value)", expected: expected)
        }
        return values
    }

    mutating func finiteFloats(_ key: String, _ shape: [Int]) throws(QuantizedModelError) -> [Float] {
        let values = try floats(key, shape)
        try check(values, key, expected: "a finite number", \.isFinite)
        return values
    }

    /// Scales of quantized values. NaN, zero, negative and infinite values are out of range.
    mutating func scales(_ key: String, _ shape: [Int]) throws(QuantizedModelError) -> [Float] {
        let values = try floats(key, shape)
        try check(values, key, expected: "a scale from 2^-103 to 2^103", Self.scales.contains)
        return values
    }

    private mutating func floats(_ key: String, _ shape: [Int]) throws(QuantizedModelError) -> [Float] {
        if let found = file[key]?.type, found != .f32 {
            throw .safetensors(.wrongType(key: key, found: found, expected: [.f32]))
        }
        return try read(key) { file throws(SafetensorsError) in try file.floats(key, shape: shape) }
    }
}
