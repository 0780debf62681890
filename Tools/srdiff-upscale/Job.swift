import ArgumentParser
import SRDFile
import SRDImage
import ToolSupport

/// Where a result goes.
enum Destination: Hashable, CustomStringConvertible {
    case standardOutput
    case file(String)

    var description: String {
        switch self {
        case .standardOutput: "standard output"
        case .file(let path): path
        }
    }

    /// Standard output gets PNG.
    var format: PictureFormat {
        guard case .file(let path) = self else { return .png }
        return FilePath.fileExtension(of: path).flatMap { PictureFormat(fileExtension: $0) } ?? .png
    }

    func write(_ picture: Picture) throws {
        let bytes = try picture.encoded(as: format)
        switch self {
        case .standardOutput:
            guard Terminal.output.writeAll(bytes) else { throw ToolError("standard output was closed") }
        case .file(let path):
            guard FilePath.makeFolder(FilePath.folder(of: path).isEmpty ? "." : FilePath.folder(of: path)) else {
                throw FileError(.write, path, .missing)
            }
            try FileOutput.write(atomically: [bytes], to: path)
        }
    }
}

/// One input and what becomes of it.
struct Job {
    struct Output {
        let seed: UInt64
        let destination: Destination
    }

    let input: PictureInput
    let outputs: [Output]
}

extension Job {
    /// Finds every output's name before the first picture is touched; what cannot be meant is a usage error.
    static func plan(_ inputs: [PictureInput], arguments: [String], output: String?, scale: Int, _ settings: Settings) throws -> [Job] {
        let isMany = inputs.count > 1 || arguments.contains { FilePath.isFolder($0) }
        let target = try Target(output, isMany: isMany)
        let suffix = "_x\(scale)" + (settings.method == .sampled ? "" : "_\(settings.method.rawValue)")
        let inputs = target == .besideInput ? withoutResults(inputs, suffix: "_x\(scale)") : inputs
        if inputs.count * settings.samples > 1 && (target == .standardOutput || target == .besideInput && inputs.contains(.standardInput)) {
            throw ValidationError("standard output takes one picture: name a folder with -o")
        }
        let jobs = inputs.map { input in
            Job(input: input, outputs: settings.seeds.map { seed in
                let sample = settings.samples > 1 ? "_seed\(seed)" : ""
                return Output(seed: seed, destination: target.destination(of: input, suffix: suffix, sample: sample))
            })
        }
        var origin: [Destination: PictureInput] = [:]
        for job in jobs {
            for output in job.outputs {
                if let other = origin.updateValue(job.input, forKey: output.destination) {
                    throw ValidationError("\(other) and \(job.input) would both become \(output.destination)")
                }
            }
        }
        if jobs.contains(where: { $0.outputs[0].destination == .standardOutput }) && Terminal.output.isInteractive {
            throw ValidationError("a picture does not belong on a terminal: name a file with -o")
        }
        return jobs
    }

    /// Run again over a folder or a pattern, we do not enlarge what we made before.
    private static func withoutResults(_ inputs: [PictureInput], suffix: String) -> [PictureInput] {
        guard inputs.count > 1 else { return inputs }
        let stems = Set(inputs.map { FilePath.folder(of: $0.description) + FilePath.stem(of: $0.description) })
        return inputs.filter { input in
            let own = FilePath.folder(of: input.description) + FilePath.stem(of: input.description)
            return !stems.contains { stem in own.hasPrefix(stem + suffix) && (own == stem + suffix || own.dropFirst(stem.count + suffix.count).first == "_") }
        }
    }

    /// Before the long work: can it be written there at all?
    func check(_ destination: Destination) throws {
        guard case .file(let path) = destination else { return }
        if case .file(let own) = input, FilePath.isSameFile(own, path) { throw ToolError("\(own): the output is the input itself") }
        if FilePath.isFolder(path) { throw FileError(.write, path, .directory) }
        let folder = FilePath.folder(of: path).isEmpty ? "." : FilePath.folder(of: path)
        if FilePath.exists(folder) && !FilePath.isWritable(folder) { throw FileError(.write, path, .denied) }
    }

    func check(_ picture: Picture) throws {
        if picture.hasAlpha, let output = outputs.first(where: { $0.destination.format == .pnm }) {
            throw ToolError("\(input): \(PictureError.alphaNotSupported), not \(output.destination)")
        }
    }
}

/// What `-o` means.
private enum Target: Equatable {
    case besideInput, standardOutput
    case file(String)
    case folder(String)

    init(_ output: String?, isMany: Bool) throws {
        guard let output else { self = .besideInput; return }
        let isPicture = FilePath.fileExtension(of: output).map { PictureFormat(fileExtension: $0) != nil } ?? false
        if output == "-" {
            self = .standardOutput
        } else if output.hasSuffix("/") || FilePath.isFolder(output) {
            self = .folder(output)
        } else if isPicture {
            guard !isMany else { throw ValidationError("\(output) is one file, but there are several pictures: name a folder") }
            self = .file(output)
        } else {
            guard isMany && !FilePath.exists(output) else {
                throw ValidationError("\(output): we write .png, .ppm and .pgm; a folder's name ends in /")
            }
            self = .folder(output)
        }
    }

    func destination(of input: PictureInput, suffix: String, sample: String) -> Destination {
        func name(_ path: String) -> String { "\(FilePath.stem(of: path))\(suffix)\(sample).png" }
        switch (self, input) {
        case (.standardOutput, _), (.besideInput, .standardInput): return .standardOutput
        case (.besideInput, .file(let path)): return .file(FilePath.joined(FilePath.folder(of: path), name(path)))
        case (.folder(let folder), .standardInput): return .file(FilePath.joined(folder, name("stdin")))
        case (.folder(let folder), .file(let path)): return .file(FilePath.joined(folder, name(path)))
        case (.file(let path), _):
            let kind = FilePath.fileExtension(of: path) ?? "png"
            return .file(sample.isEmpty ? path : FilePath.joined(FilePath.folder(of: path), "\(FilePath.stem(of: path))\(sample).\(kind)"))
        }
    }
}
