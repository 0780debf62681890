import SRDFile
import SRDiff
import ToolSupport

/// Images of one folder, by path.
struct ImageSet {
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
        let original, low: Image
    }

    static func find(_ paths: [String], low: [String], scale: Int) throws -> [ImageSet] {
        var sets: [ImageSet] = [], taken: Set<String> = []
        for (i, path) in paths.enumerated() {
            let (inputs, errors) = ImageInput.expand([path])
            if let error = errors.first { throw error }
            var trimmed = path
            while trimmed.count > 1 && trimmed.hasSuffix("/") { trimmed.removeLast() }
            let folder = FilePath.isFolder(path) ? trimmed : String(FilePath.folder(of: path).dropLast())
            let setName = FilePath.name(of: folder).isEmpty ? "images" : FilePath.name(of: folder)
            let entries = try inputs.map { input -> Entry in
                guard case .file(let file) = input else { throw ToolError("images to compare with come from files, not from standard input") }
                let lowPath = low.isEmpty ? nil : FilePath.joined(low[i], FilePath.name(of: file))
                if let lowPath, !FilePath.exists(lowPath) { throw ToolError("\(file): its reduced image \(lowPath) is missing") }
                var name = paths.count > 1 ? "\(setName)/\(FilePath.stem(of: file))" : FilePath.stem(of: file)
                if taken.contains(name) { name += ".\(taken.count)" }
                taken.insert(name)
                return Entry(name: name, path: file, lowPath: lowPath)
            }
            if let same = sets.firstIndex(where: { $0.name == setName }) {
                sets[same] = ImageSet(name: setName, entries: sets[same].entries + entries)
            } else {
                sets.append(ImageSet(name: setName, entries: entries))
            }
        }
        return sets
    }

    static func load(_ entry: Entry, scale: Int, degradation: Degradation? = nil) throws -> Pair {
        let pair = try cleanPair(entry, scale: scale)
        guard let degradation else { return pair }
        do {
            return Pair(original: pair.original, low: try degradation.applied(to: pair.low))
        } catch {
            throw ToolError("\(entry.path): --degrade \(degradation): \(error)")
        }
    }

    private static func cleanPair(_ entry: Entry, scale: Int) throws -> Pair {
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
    private static func read(_ path: String) throws -> Image {
        do {
            var image = try MappedFile(path: path).withBytes { try Image(parsing: $0) }.plain
            image.metadata = ImageMetadata()
            return image
        } catch let error as ImageError {
            throw ToolError("\(path): \(error)")
        }
    }
}
