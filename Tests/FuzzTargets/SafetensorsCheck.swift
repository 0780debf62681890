import SRDFile

enum SafetensorsCheck {
    static func run(_ bytes: some Collection<UInt8>) throws(Violation) -> Bool {
        let file = try MappedFile(bytes)
        guard let loaded = try Violation.attempt({ try Safetensors(file) }) else { return false }
        let first = try saved(loaded), again = try load(first)
        try Violation.check(again.metadata == loaded.metadata, "saved, the metadata differs")
        try Violation.check(again.entries.count == loaded.entries.count, "saved, the number of tensors differs")
        for entry in loaded.entries {
            guard let other = again[entry.name] else {
                throw Violation("saved, \(entry.name.debugDescription) is missing")
            }
            try Violation.check(other.type == entry.type && other.shape == entry.shape, "saved, \(entry.name) differs")
        }
        try Violation.check(try saved(again) == first, "saved twice, the files differ")
        return true
    }

    /// The header's text alone, in a file that fits it, and as the text of an index.
    static func header(_ bytes: UnsafeRawBufferPointer) throws(Violation) -> Bool {
        guard bytes.count > 2 else { return false }
        let text = UnsafeRawBufferPointer(rebasing: bytes[2...])
        let dataCount = Int(bytes[0]) | Int(bytes[1]) << 8
        let length = withUnsafeBytes(of: UInt64(text.count).littleEndian) { Array($0) }
        let isHeader = try run(length + Array(text) + [UInt8](repeating: 0, count: dataCount))
        let file = try MappedFile(text)
        _ = SafetensorsIndex.recognizes(file)
        guard let index = try Violation.attempt({ try SafetensorsIndex(file) }) else { return isHeader }
        for name in index.files {
            try Violation.check(
                !name.contains("/") && !name.hasPrefix("."), "an index refers to \(name.debugDescription)")
        }
        return true
    }

    static func load(_ bytes: [UInt8]) throws(Violation) -> Safetensors {
        let file = try MappedFile(bytes)
        return try Violation.require("a saved file cannot be loaded") { try Safetensors(file) }
    }

    private static func saved(_ file: Safetensors) throws(Violation) -> [UInt8] {
        let tensors = try Violation.require("a tensor cannot be read") {
            try file.entries.map { entry in
                let bytes = try file.withBytes(of: entry) { Array($0) }
                return SafetensorsTensor(entry.name, entry.type, shape: entry.shape, bytes: bytes)
            }
        }
        return Array(Safetensors.encode(tensors, metadata: file.metadata).joined())
    }
}
