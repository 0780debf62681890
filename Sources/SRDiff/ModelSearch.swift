import SRDFile

extension LoadedModel {
    /// The name of the default model, for clean images.
    public static let defaultName = "edge"

    /// The name of the default model for an image: `photo` if its pixels were compressed with loss
    /// (`ImageHeader.isLossy`), else `edge`.
    ///
    /// Measured on validation images, LPIPS of edge and photo: clean 0.15 and 0.21; JPEG of quality 95 0.20 and 0.23,
    /// 90 0.29 and 0.28, 75 0.39 and 0.32.
    public static func defaultName(isLossy: Bool) -> String { isLossy ? "photo" : defaultName }

    /// Finds and reads a model: the one requested, else the default.
    ///
    /// - Parameter name: a file, or the name of an installed model, such as `edge` for `edge.int8.safetensors`.
    public static func find(_ name: String?) throws -> LoadedModel { try requested(name) ?? installed(defaultName) }

    /// Reads the model that is named, else the one that `SRDIFF_MODEL` names. Returns nil if there is neither.
    ///
    /// - Parameter name: a file, or the name of an installed model.
    public static func requested(_ name: String?) throws -> LoadedModel? {
        if let name { return try find(name, foundBy: "--model") }
        return try Machine.environment("SRDIFF_MODEL").map { try find($0, foundBy: "SRDIFF_MODEL") }
    }

    private static func find(_ name: String, foundBy: String) throws -> LoadedModel {
        let isName =
            !FilePath.exists(name) && !name.isEmpty
            && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
        return try isName ? installed(name) : read(name, foundBy: foundBy)
    }

    /// Reads an installed model. Models are installed in `Models/` next to the package, else in `../share/srdiff/` next
    /// to the executable.
    public static func installed(_ name: String) throws -> LoadedModel {
        let (found, searched) = InstalledFiles.find("\(name).int8.safetensors")
        guard let found else { throw SRDiffError.noModel(searched: searched) }
        return try read(found.path, foundBy: found.foundBy)
    }
}

/// Files that are installed with the program: in `Models/` next to the package, else in `../share/srdiff/` next to the
/// executable.
public enum InstalledFiles {
    /// Returns where the file is and how it was found, or nil and the paths that were tried.
    public static func find(_ name: String) -> (found: (path: String, foundBy: String)?, searched: [String]) {
        var searched: [String] = []
        guard let executable = FilePath.executable else { return (nil, searched) }
        var folder = FilePath.folder(of: executable)
        let shared = FilePath.joined(FilePath.folder(of: String(folder.dropLast())), "share/srdiff/\(name)")
        while folder.count > 1 {  // up through .build/…, to the package
            if FilePath.exists(folder + "Package.swift") {
                let path = folder + "Models/\(name)"
                if FilePath.exists(path) { return ((path, "next to the package"), searched) }
                searched.append(path)
            }
            folder = FilePath.folder(of: String(folder.dropLast()))
        }
        if FilePath.exists(shared) { return ((shared, "installed"), searched) }
        return (nil, searched + [shared])
    }
}

extension InstructionSet {
    /// Returns the instruction set of this name, or the fastest for nil. Throws `SRDiffError.unknownInstructionSet` if
    /// this machine has none of that name.
    public static func named(_ name: String?) throws(SRDiffError) -> InstructionSet {
        guard let name else { return fastest }
        guard let found = InstructionSet(rawValue: name), available.contains(found) else {
            throw .unknownInstructionSet(name: name, available: available)
        }
        return found
    }

    /// Returns the instruction set that the environment variable `SRDIFF_CPU` names, or the fastest.
    public static func fromEnvironment() throws(SRDiffError) -> InstructionSet {
        try named(Machine.environment("SRDIFF_CPU"))
    }
}
