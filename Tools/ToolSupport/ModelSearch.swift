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
        var looked: [String] = []
        if let executable = FilePath.executable {
            var folder = FilePath.folder(of: executable)
            let shared = FilePath.joined(FilePath.folder(of: String(folder.dropLast())), "share/srdiff/\(defaultName)")
            while folder.count > 1 {                     // up through .build/…, to the package
                if FilePath.exists(folder + "Package.swift") {
                    let path = folder + "Models/\(defaultName)"
                    if FilePath.exists(path) { return (path, "beside the package") }
                    looked.append(path)
                }
                folder = FilePath.folder(of: String(folder.dropLast()))
            }
            if FilePath.exists(shared) { return (shared, "installed") }
            looked.append(shared)
        }
        throw ToolError("no model: name one with --model or SRDIFF_MODEL; looked for \(looked.joined(separator: " and "))")
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
