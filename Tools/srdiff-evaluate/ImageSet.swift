import SRDFile
import SRDiff
import ToolSupport

/// Images of one folder, by path.
struct ImageSet {
    struct Entry {
        /// Unique among all sets.
        let name: String
        let path: String
        let low: Low
    }

    /// Where the low-resolution image of an original comes from.
    enum Low {
        case reducedHere
        case file(String)
        /// None of the usual names is in the folder.
        case missing(folder: String)
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
            let search = InputSearch([path])
            if let error = search.errors.first { throw error }
            if search.inputs.isEmpty {
                throw ToolError("\(path.printable): no image in this folder (\(search.skipped.text) skipped)")
            }
            var trimmed = path
            while trimmed.count > 1 && trimmed.hasSuffix("/") { trimmed.removeLast() }
            let folder = FilePath.isFolder(path) ? trimmed : String(FilePath.folder(of: path).dropLast())
            let setName = FilePath.name(of: folder).isEmpty ? "images" : FilePath.name(of: folder)
            let entries = try search.inputs.map { input -> Entry in
                guard case .file(let file) = input else {
                    throw ToolError("\(input): images to compare with are read from files")
                }
                let low: Low =
                    low.isEmpty
                    ? .reducedHere
                    : lowPath(of: file, in: low[i], scale: scale).map { .file($0) } ?? .missing(folder: low[i])
                var name = paths.count > 1 ? "\(setName)/\(FilePath.stem(of: file))" : FilePath.stem(of: file)
                if taken.contains(name) { name += ".\(taken.count)" }
                taken.insert(name)
                return Entry(name: name, path: file, low: low)
            }
            if let same = sets.firstIndex(where: { $0.name == setName }) {
                sets[same] = ImageSet(name: setName, entries: sets[same].entries + entries)
            } else {
                sets.append(ImageSet(name: setName, entries: entries))
            }
        }
        return sets
    }

    /// The images of several sets that belong to a shard of all of them.
    static func shard(_ shard: Shard, of sets: [ImageSet]) -> [ImageSet] {
        let paths = sets.flatMap { $0.entries.map(\.path) }, own = Set(shard.divide(images: paths).map { paths[$0] })
        return sets.map { ImageSet(name: $0.name, entries: $0.entries.filter { own.contains($0.path) }) }
    }

    /// The low-resolution image of an original under the names that data sets use: the original's own, DIV2K's
    /// `0001x4.png`, `0001_x4.png`, `img_001_SRF_4_LR.png` for `…_HR.png`, RealSR's `Canon_001_LR4.png`, in the folder
    /// or in its `X4`; in any format.
    static func lowPath(of file: String, in folder: String, scale: Int) -> String? {
        let stem = FilePath.stem(of: file)
        var stems = [
            stem, "\(stem)x\(scale)", "\(stem)_x\(scale)", "\(stem)-x\(scale)", "\(stem)_LR", "\(stem)_LRx\(scale)",
        ]
        if stem.hasSuffix("HR") {
            stems += ["LR", "LR\(scale)", "LRx\(scale)", "LR_x\(scale)"].map { stem.dropLast(2) + $0 }
        }
        let own = FilePath.fileExtension(of: file).map { [$0] } ?? []
        let endings = own + ImageFormat.allCases.flatMap(\.extensions).filter { !own.contains($0) }
        for folder in [folder, FilePath.joined(folder, "X\(scale)"), FilePath.joined(folder, "x\(scale)")] {
            for stem in stems {
                for ending in endings {
                    let path = FilePath.joined(folder, "\(stem).\(ending)")
                    if FilePath.exists(path) { return path }
                }
            }
        }
        return nil
    }

    /// - Parameter check: called with the original's file before its pixels are decoded.
    static func load(
        _ entry: Entry, scale: Int, degradation: Degradation? = nil, check: (OpenedImage) throws -> Void = { _ in }
    ) throws -> Pair {
        let pair = try cleanPair(entry, scale: scale, check: check)
        guard let degradation else { return pair }
        do {
            return Pair(original: pair.original, low: try degradation.applied(to: pair.low))
        } catch {
            throw ToolError("\(entry.path): --degrade \(degradation): \(error)")
        }
    }

    private static func cleanPair(_ entry: Entry, scale: Int, check: (OpenedImage) throws -> Void) throws -> Pair {
        let whole = try read(entry.path, check: check), width = whole.width / scale, height = whole.height / scale
        guard width > 0, height > 0 else { throw ToolError("\(entry.path): smaller than \(scale)×\(scale) pixels") }
        let original = whole.cropped(width: width * scale, height: height * scale)
        let lowPath: String
        switch entry.low {
        case .reducedHere: return Pair(original: original, low: original.resized(by: 1, over: scale))
        case .file(let path): lowPath = path
        case .missing(let folder):
            let name = FilePath.stem(of: entry.path)
            throw ToolError(
                """
                \(entry.path): its reduced image is missing in \(folder) (expected the same name, \(name)x\(scale) or \
                \(name)_x\(scale), in any format)
                """)
        }
        func checkKind(_ low: (width: Int, height: Int), _ channels: Int) throws {
            guard low != (width, height) || channels != original.channels else { return }
            throw ToolError(
                """
                \(lowPath): \(low.width)×\(low.height) pixels of \(channels) channels; \
                a reduced \(entry.path) has \(width)×\(height) of \(original.channels)
                """)
        }
        // The size before pixels are decoded, and channels after: a header may announce one too many.
        let low = try read(lowPath) { try checkKind(($0.header.width, $0.header.height), original.channels) }
        try checkKind((low.width, low.height), low.channels)
        return Pair(original: original, low: low)
    }

    /// The image in 8 bits, without alpha and metadata.
    private static func read(_ path: String, check: (OpenedImage) throws -> Void = { _ in }) throws -> Image {
        let opened = try ImageInput.file(path).open()
        try check(opened)
        var image = try opened.decode { _ in }.plain
        image.metadata = ImageMetadata()
        return image
    }
}
