import Glibc
import SRDFile

/// The rules for every file that a tool writes: never over an input, over another file only with `--overwrite`, and
/// what prevents writing is found before the work.
public struct OutputRules: Sendable {
    private let inputs: [FilePath.Identity: String]
    public let overwrite: Bool
    private let makesFolders: Bool

    /// - Parameters:
    ///   - inputs: every file that the tool reads. Links to them count as the files.
    ///   - makesFolders: whether the tool makes folders that are missing.
    public init(inputs: [String], overwrite: Bool, makesFolders: Bool = false) {
        self.makesFolders = makesFolders
        var found: [FilePath.Identity: String] = [:]
        for input in inputs {
            if let identity = FilePath.identity(of: input) { found[identity] = input }
        }
        self.inputs = found
        self.overwrite = overwrite
    }

    /// Throws unless the file may and can be written.
    public func check(_ path: String) throws {
        try checkInput(path)
        if FilePath.exists(path), !overwrite, !FilePath.isFolder(path), !FilePath.isStream(path) {
            throw ToolError("\(path.printable): the file exists. Replace it with --overwrite, or choose another name.")
        }
        try checkPlace(path)
    }

    /// Checks every output of a run. No two may be the same file.
    public func check(_ paths: [String]) throws {
        for (i, path) in paths.enumerated() {
            try check(path)
            if let same = paths[..<i].first(where: { $0 == path || FilePath.isSameFile($0, path) }) {
                throw ToolError(
                    """
                    \(path.printable): two outputs would be written there (the other is \(same.printable)). \
                    Choose another name.
                    """)
            }
        }
    }

    /// The files that a model named like this is read from: a folder or an index stands for several.
    public static func modelFiles(_ path: String) -> [String] {
        let folder = FilePath.isFolder(path) ? path : path.hasSuffix(".json") ? Self.folder(of: path) : nil
        return [path] + (folder.flatMap { folder in FilePath.list(folder)?.map { FilePath.joined(folder, $0) } } ?? [])
    }

    /// Throws if the path leads to an input.
    public func checkInput(_ path: String) throws {
        guard !inputs.isEmpty, let identity = FilePath.identity(of: path), let input = inputs[identity] else { return }
        let name = input == path ? "" : " (\(input.printable))"
        throw ToolError("\(path.printable): this is an input\(name), which is never overwritten. Choose another name.")
    }

    /// Throws the error that writing there would give now.
    public func checkPlace(_ path: String) throws {
        var folder = Self.folder(of: path)
        do {
            if !makesFolders || FilePath.isFolder(folder) { return try FileOutput.check(path) }
            while !FilePath.exists(folder) {
                let parent = FilePath.parent(of: folder)
                if parent == folder { break }
                folder = parent.isEmpty ? "." : parent
            }
            guard FilePath.isFolder(folder) else { throw FileError(.write, path, .missing) }
            guard FilePath.isWritable(folder) else { throw FileError(.write, path, errno: errno) }
        } catch let error as FileError where error.reason == .notARegularFile {
            throw ToolError("\(error). Use `-o -` to write to standard output.")
        }
    }

    /// The folder of a file, "." for a plain name.
    static func folder(of path: String) -> String {
        let folder = FilePath.folder(of: path)
        return folder.isEmpty ? "." : folder
    }
}
