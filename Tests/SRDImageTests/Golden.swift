import Foundation

/// `golden/` next to the package, if the checkout has it.
enum Golden {
    static let folder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("shared/golden")

    static let resize = folder.appendingPathComponent("resize.golden.safetensors")
    static let isPresent = FileManager.default.fileExists(atPath: resize.path)

    /// The shape and bytes of a tensor in a safetensors file.
    static func tensor(_ name: String, in file: URL) throws -> (shape: [Int], bytes: Data) {
        struct Entry: Decodable {
            let shape: [Int]
            let data_offsets: [Int]
        }
        let data = try Data(contentsOf: file)
        let headerCount = data.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
        let header = try JSONDecoder().decode([String: Entry].self, from: data.dropFirst(8).prefix(headerCount))
        guard let entry = header[name] else { throw CocoaError(.fileReadCorruptFile) }
        let body = data.dropFirst(8 + headerCount)
        return (
            entry.shape,
            Data(body.dropFirst(entry.data_offsets[0]).prefix(entry.data_offsets[1] - entry.data_offsets[0]))
        )
    }
}
