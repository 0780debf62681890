import Glibc
import SRDFile
import SRDiff

/// The images that arguments stand for: files as they are named, folders' images, patterns' matches, `-`; each once.
public struct InputSearch {
    public struct Found: Sendable {
        public let input: ImageInput
        /// The folder between the searched one and the file, with a slash at the end, or "".
        public let subfolder: String
    }

    public private(set) var found: [Found] = []
    /// What was passed over in folders, by kind.
    public private(set) var skipped = Tally()
    /// Formats that are not read but were met, in order.
    public private(set) var foreignFormats: [ForeignFormat] = []
    /// Arguments that lead nowhere.
    public private(set) var errors: [any Error] = []

    private let isRecursive: Bool
    private let excluded: FilePath.Identity?
    private var seen: Set<ImageInput> = []
    private var visited: Set<FilePath.Identity> = []

    public var inputs: [ImageInput] { found.map(\.input) }

    /// - Parameters:
    ///   - isRecursive: whether folders in folders are searched.
    ///   - excluded: a folder that is not searched when it lies in another: that of the outputs.
    public init(_ arguments: [String], isRecursive: Bool = false, excluding excluded: String? = nil) {
        self.isRecursive = isRecursive
        self.excluded = excluded.flatMap(FilePath.identity)
        for argument in arguments {
            if argument != "-", FilePath.isFolder(argument) {
                search(argument: argument)
            } else if argument != "-", !FilePath.exists(argument), argument.contains(where: { "*?[".contains($0) }) {
                let paths = FilePath.matches(argument).filter { !FilePath.isFolder($0) }
                if paths.isEmpty { errors.append(ToolError("\(argument.printable): no file matches")) }
                for path in paths { add(ImageInput(argument: path)) }
            } else {
                add(ImageInput(argument: argument))
            }
        }
    }

    private mutating func add(_ input: ImageInput, subfolder: String = "") {
        if seen.insert(input).inserted { found.append(Found(input: input, subfolder: subfolder)) }
    }

    private mutating func search(argument folder: String) {
        let before = found.count + skipped.total
        search(folder, subfolder: "")
        if found.count + skipped.total == before, errors.isEmpty {
            errors.append(
                ToolError("\(folder.printable): no image (\(ImageFormat.preferredExtensions)) in this folder"))
        }
    }

    private mutating func search(_ folder: String, subfolder: String) {
        // A link may lead back to a folder above.
        guard let identity = FilePath.identity(of: folder), visited.insert(identity).inserted else { return }
        guard let names = FilePath.list(folder) else {
            errors.append(FileError(.read, folder, errno: errno))
            return
        }
        for name in names where name != "." && name != ".." {
            let path = FilePath.joined(folder, name)
            if let excluded, FilePath.identity(of: path) == excluded { continue }
            if name.hasPrefix("._") {
                skipped.add("macOS metadata file")
            } else if name.hasPrefix(".") {
                skipped.add("hidden file")
            } else if FilePath.isFolder(path) {
                guard isRecursive else {
                    skipped.add("folder")
                    continue
                }
                search(path, subfolder: "\(subfolder)\(name)/")
            } else {
                consider(path, subfolder)
            }
        }
    }

    private mutating func consider(_ path: String, _ subfolder: String) {
        let ending = FilePath.fileExtension(of: path) ?? ""
        if ImageFormat(fileExtension: ending) != nil {
            add(ImageInput(argument: path), subfolder: subfolder)
        } else if let foreign = ForeignFormat(fileExtension: ending) {
            skipped.add(ending.uppercased(), plural: ending.uppercased())
            if !foreignFormats.contains(foreign) { foreignFormats.append(foreign) }
        } else {
            skipped.add("other file")
        }
    }
}
