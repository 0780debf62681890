/// The index of a model whose tensors are in several safetensors files: {"weight_map": {tensor name: file name}, …}.
///
/// Hugging Face libraries write it as `model.safetensors.index.json` in the folder of its files.
public struct SafetensorsIndex: Sendable {
    /// Ending of an index's file name.
    public static let suffix = ".safetensors.index.json"
    /// Files of a model, and bytes of an index.
    static let mostFiles = 1024, longest = 32 << 20

    /// The file names, ascending: plain names in the folder of the index.
    public let files: [String]
    /// For each file the names of its tensors, as the index lists them.
    public let tensors: [[String]]

    /// Throws `SafetensorsError` if this is not an index, or names a file outside its folder.
    public init(_ file: MappedFile) throws(SafetensorsError) {
        guard file.count <= Self.longest else { throw .tooMany("bytes in the index", limit: Self.longest) }
        let slice: FileSlice
        do throws(FileError) { slice = try file.slice(0..<file.count) } catch { throw .file(error) }
        let map = try slice.withBytes(Self.parse)
        var byFile: [String: [String]] = [:]
        for (tensor, name) in map {
            byFile[name, default: []].append(tensor)
            guard byFile.count <= Self.mostFiles else { throw .tooMany("files in the index", limit: Self.mostFiles) }
        }
        for name in byFile.keys where !Self.isPlain(name) { throw .unsafeFileName(name) }
        files = byFile.keys.sorted()
        tensors = files.map { byFile[$0]! }
    }

    /// Whether a file looks like JSON: the first bytes of a safetensors file are never those of an object.
    public static func recognizes(_ file: MappedFile) -> Bool {
        guard let head = try? file.slice(0..<min(file.count, 64)) else { return false }
        return head.withBytes { bytes in
            let text = bytes.drop { [0x20, 0x09, 0x0a, 0x0d].contains($0) }
            guard text.first == UInt8(ascii: "{") else { return false }
            // Eight bytes of header length, of which the highest are zero, would be here.
            return !bytes.prefix(8).contains(0)
        }
    }

    private static func parse(_ text: UnsafeRawBufferPointer) throws(SafetensorsError) -> [String: String] {
        var json = JSONReader(text, base: 0), map: [String: String]?
        try json.open("{")
        while try json.hasNext(before: "}") {
            let key = try json.key()
            guard json.isEqual(key, "weight_map") else {
                try json.skipValue()
                continue
            }
            guard map == nil else { throw .duplicateKey("weight_map") }
            var found: [String: String] = [:]
            try json.open("{")
            while try json.hasNext(before: "}") {
                guard found.count < SafetensorsHeader.mostTensors else {
                    throw .tooMany("tensors", limit: SafetensorsHeader.mostTensors)
                }
                let tensor = try json.text(of: try json.key())
                guard found.updateValue(try json.string(), forKey: tensor) == nil else { throw .duplicateKey(tensor) }
            }
            map = found
        }
        try json.end()
        guard let map else { throw .missing(key: "weight_map") }
        return map
    }

    /// Whether a name is of a file in the same folder: no path, no hidden file, nothing invisible.
    private static func isPlain(_ name: String) -> Bool {
        let bytes = name.utf8
        return (1...255).contains(bytes.count) && bytes.first != UInt8(ascii: ".") && !bytes.contains(UInt8(ascii: "/"))
            && bytes.allSatisfy { $0 >= 0x20 && $0 != 0x7f } && name.hasSuffix(".safetensors")
    }
}
