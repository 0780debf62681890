import ArgumentParser
import SRDCheckpoint
import SRDFile
import SRDFloat
import SRDInt8
import SRDModel

/// A model and where it came from.
public struct LoadedModel {
    public enum Form {
        case float(Model)
        case int8(QuantizedModel)
    }

    public let path: String
    /// How it was found, for the user.
    public let foundBy: String
    public let sha256: String
    public let form: Form

    public init(path: String, foundBy: String, sha256: String, form: Form) {
        self.path = path
        self.foundBy = foundBy
        self.sha256 = sha256
        self.form = form
    }
}

extension LoadedModel {
    /// The one used when nobody names another.
    public static let defaultName = "edge.int8.safetensors"

    /// `--model`, else `SRDIFF_MODEL`, else `Models/` beside the package, else `../share/srdiff/` beside the executable.
    public static func find(_ option: String?) throws -> LoadedModel {
        let (path, foundBy) = try locate(option)
        return try read(path, foundBy: foundBy)
    }

    /// An int8 model, or a float one in any format.
    public static func read(_ path: String, foundBy: String = "named") throws -> LoadedModel {
        let file = try MappedFile(path: path)
        do {
            if QuantizedModelFile.recognizes(file) {
                let hash = file.withBytes { SHA256.hex($0) }, model = try QuantizedModelFile(file).model
                return LoadedModel(path: path, foundBy: foundBy, sha256: hash, form: .int8(model))
            }
            let checkpoint = try Checkpoint.read(path), model = try Model(tensors: checkpoint.tensors)
            return LoadedModel(path: path, foundBy: foundBy, sha256: checkpoint.sourceSHA256, form: .float(model))
        } catch {
            throw error is FileError ? error : ToolError("\(path): \(error)")      // a FileError names the file itself
        }
    }

    public var network: Network {
        switch form {
        case .float(let model): model.network
        case .int8(let model): model.network
        }
    }

    /// What was found for so many steps; a float model has none.
    public var schedules: [SearchedSchedule] {
        switch form {
        case .float: []
        case .int8(let model): model.schedules
        }
    }

    public var schedule: NoiseSchedule {
        switch form {
        case .float(let model): model.schedule
        case .int8(let model): model.schedule
        }
    }

    public var hasPreview: Bool {
        switch form {
        case .float(let model): model.hasPreview
        case .int8(let model): model.hasPreview
        }
    }

    public var configuration: Configuration { network.configuration }

    public var isFloat: Bool { if case .float = form { true } else { false } }

    /// In words.
    public var arithmetic: String {
        switch form {
        case .float: "float"
        case .int8: "int8"
        }
    }

    /// The float model; an int8 one is an error.
    public func float() throws -> Model {
        guard case .float(let model) = form else { throw ToolError("\(path): an int8 model; a float one is needed here") }
        return model
    }

    /// - Parameter instructionSet: one of `InstructionSet.names`.
    public func executor(threads: Int, instructionSet: String?) -> any Executor {
        switch form {
        case .float(let model):
            FloatExecutor(
                model, threads: threads, instructionSet: instructionSet.map { Int8Executor.floatInstructionSet(beside: $0) })
        case .int8(let model): Int8Executor(model, threads: threads, instructionSet: instructionSet)
        }
    }

    /// Bytes that an executor holds for an image of this (padded) size.
    public func memoryEstimate(lowWidth: Int, lowHeight: Int, preview: Bool) -> Int {
        switch form {
        case .float(let model):
            FloatExecutor.memoryEstimate(model, lowWidth: lowWidth, lowHeight: lowHeight, preview: preview)
        case .int8(let model):
            Int8Executor.memoryEstimate(model, lowWidth: lowWidth, lowHeight: lowHeight, preview: preview)
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
    /// This machine's, slowest first. The float kernels follow the integer ones.
    public static var names: [String] { Int8Executor.instructionSets }

    /// nil where it is not set.
    public static func fromEnvironment() throws -> String? {
        guard let name = Machine.environment("SRDIFF_CPU") else { return nil }
        guard names.contains(name) else {
            throw ValidationError("SRDIFF_CPU=\(name): this machine has \(names.joined(separator: ", "))")
        }
        return name
    }
}
