import SRDFile
import SRDImage
import ToolSupport

/// Pictures of one folder, by path.
struct PictureSet {
    struct Entry {
        /// Unique among all sets.
        let name: String
        let path: String
        /// What it was reduced to; nil where we reduce it ourselves.
        let lowPath: String?
    }

    let name: String
    let entries: [Entry]

    /// An original cut to a multiple of the scale, and what the models are given.
    struct Pair {
        let original, low: Picture
    }

    static func find(_ paths: [String], low: [String], scale: Int) throws -> [PictureSet] {
        var sets: [PictureSet] = [], taken: Set<String> = []
        for (i, path) in paths.enumerated() {
            let (inputs, errors) = PictureInput.expand([path])
            if let error = errors.first { throw error }
            var trimmed = path
            while trimmed.count > 1 && trimmed.hasSuffix("/") { trimmed.removeLast() }
            let folder = FilePath.isFolder(path) ? trimmed : String(FilePath.folder(of: path).dropLast())
            let setName = FilePath.name(of: folder).isEmpty ? "pictures" : FilePath.name(of: folder)
            let entries = try inputs.map { input -> Entry in
                guard case .file(let file) = input else { throw ToolError("pictures to compare with come from files, not from standard input") }
                let lowPath = low.isEmpty ? nil : FilePath.joined(low[i], FilePath.name(of: file))
                if let lowPath, !FilePath.exists(lowPath) { throw ToolError("\(file): its reduced picture \(lowPath) is missing") }
                var name = paths.count > 1 ? "\(setName)/\(FilePath.stem(of: file))" : FilePath.stem(of: file)
                if taken.contains(name) { name += ".\(taken.count)" }
                taken.insert(name)
                return Entry(name: name, path: file, lowPath: lowPath)
            }
            if let same = sets.firstIndex(where: { $0.name == setName }) {
                sets[same] = PictureSet(name: setName, entries: sets[same].entries + entries)
            } else {
                sets.append(PictureSet(name: setName, entries: entries))
            }
        }
        return sets
    }

    static func load(_ entry: Entry, scale: Int) throws -> Pair {
        let whole = try read(entry.path), width = whole.width / scale, height = whole.height / scale
        guard width > 0, height > 0 else { throw ToolError("\(entry.path): smaller than \(scale)×\(scale) pixels") }
        let original = whole.cropped(width: width * scale, height: height * scale)
        guard let lowPath = entry.lowPath else { return Pair(original: original, low: original.resized(by: 1, over: scale)) }
        let low = try read(lowPath)
        guard low.width == width, low.height == height, low.channels == original.channels else {
            throw ToolError("""
                \(lowPath): \(low.width)×\(low.height) pixels of \(low.channels) channels; \
                a reduced \(entry.path) has \(width)×\(height) of \(original.channels)
                """)
        }
        return Pair(original: original, low: low)
    }

    /// 8 bits, without alpha and metadata.
    private static func read(_ path: String) throws -> Picture {
        do {
            var picture = try MappedFile(path: path).withBytes { try Picture(parsing: $0) }.plain
            picture.metadata = PictureMetadata()
            return picture
        } catch let error as PictureError {
            throw ToolError("\(path): \(error)")
        }
    }
}
