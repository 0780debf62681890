import ArgumentParser
import SRDCheckpoint
import SRDFile
import SRDFloat
import SRDiff

/// A model and where it came from.
public struct LoadedModel {
    public let path: String
    /// How it was found, for the user.
    public let foundBy: String
    public let sha256: String
    public let model: Model
}

extension LoadedModel {
    /// The one used when nobody names another.
    public static let defaultName = "edge.safetensors"

    /// `--model`, else `SRDIFF_MODEL`, else `Models/` beside the package, else `../share/srdiff/` beside the executable.
    public static func find(_ option: String?) throws -> LoadedModel {
        let (path, foundBy) = try locate(option)
        let checkpoint: Checkpoint
        do {
            checkpoint = try Checkpoint.read(path)
        } catch let error as CheckpointError {
            throw ToolError("\(path): \(error)")
        }
        do {
            return LoadedModel(path: path, foundBy: foundBy, sha256: checkpoint.sourceSHA256, model: try Model(tensors: checkpoint.tensors))
        } catch {
            throw ToolError("\(path): \(error)")
        }
    }

    private static func locate(_ option: String?) throws -> (path: String, foundBy: String) {
        if let option { return (option, "--model") }
        if let path = Machine.environment("SRDIFF_MODEL") { return (path, "SRDIFF_MODEL") }
        let (path, looked) = InstalledFiles.find(defaultName)
        if let path { return path }
        throw ToolError("no model: name one with --model or SRDIFF_MODEL; looked for \(looked.joined(separator: " and "))")
    }
}

/// What comes with the program: `Models/` beside the package, else `../share/srdiff/` beside the executable.
public enum InstalledFiles {
    /// Where it is and how it was found, or where we looked.
    public static func find(_ name: String) -> (found: (path: String, foundBy: String)?, looked: [String]) {
        var looked: [String] = []
        guard let executable = FilePath.executable else { return (nil, looked) }
        var folder = FilePath.folder(of: executable)
        let shared = FilePath.joined(FilePath.folder(of: String(folder.dropLast())), "share/srdiff/\(name)")
        while folder.count > 1 {                     // up through .build/…, to the package
            if FilePath.exists(folder + "Package.swift") {
                let path = folder + "Models/\(name)"
                if FilePath.exists(path) { return ((path, "beside the package"), looked) }
                looked.append(path)
            }
            folder = FilePath.folder(of: String(folder.dropLast()))
        }
        if FilePath.exists(shared) { return ((shared, "installed"), looked) }
        return (nil, looked + [shared])
    }
}

/// `SRDIFF_CPU`: the instruction set to use instead of the fastest.
public enum InstructionSet {
    /// nil where it is not set.
    public static func fromEnvironment() throws -> String? {
        guard let name = Machine.environment("SRDIFF_CPU") else { return nil }
        guard FloatExecutor.instructionSets.contains(name) else {
            throw ValidationError("SRDIFF_CPU=\(name): this machine has \(FloatExecutor.instructionSets.joined(separator: ", "))")
        }
        return name
    }
}
