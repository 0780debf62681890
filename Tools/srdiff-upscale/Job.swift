import SRDFile
import ArgumentParser
import SRDiff
import ToolSupport

/// One input and what becomes of it.
struct Job {
    struct Output {
        let seed: UInt64
        let destination: ImageOutput
    }

    /// What `--statistics` adds to the samples.
    enum Summary: String, CaseIterable {
        case mean, sigma, sheet
    }

    let input: ImageInput
    /// The samples.
    let outputs: [Output]
    let summaries: [Summary: ImageOutput]

    var destinations: [ImageOutput] { outputs.map(\.destination) + Summary.allCases.compactMap { summaries[$0] } }
}

extension Job {
    /// Finds every output's name before the first image is touched; what cannot be meant is a usage error.
    static func plan(_ inputs: [ImageInput], arguments: [String], output: String?, scale: Int, _ settings: Settings) throws -> [Job] {
        let isMany = inputs.count > 1 || arguments.contains { FilePath.isFolder($0) }
        let target = try Target(output, isMany: isMany)
        let suffix = "_x\(scale)" + (settings.method == .sampled ? "" : "_\(settings.method.rawValue)")
        let inputs = target == .besideInput ? withoutResults(inputs, suffix: "_x\(scale)") : inputs
        if inputs.count * settings.samples > 1 && (target == .standardOutput || target == .besideInput && inputs.contains(.standardInput)) {
            throw ValidationError("standard output takes one image: name a folder with -o")
        }
        let jobs = inputs.map { input in
            func destination(_ part: String) -> ImageOutput {
                target.destination(of: input, suffix: suffix, part: part, format: settings.format)
            }
            let outputs = settings.seeds.map { seed in
                Output(seed: seed, destination: destination(settings.samples > 1 ? "_seed\(seed)" : ""))
            }
            let summaries = settings.hasStatistics ? Summary.allCases : []
            return Job(
                input: input, outputs: outputs,
                summaries: Dictionary(uniqueKeysWithValues: summaries.map { ($0, destination("_\($0)")) }))
        }
        var origin: [ImageOutput: ImageInput] = [:]
        for job in jobs {
            for destination in job.destinations {
                if let other = origin.updateValue(job.input, forKey: destination) {
                    throw ValidationError("\(other) and \(job.input) would both become \(destination)")
                }
            }
        }
        if jobs.contains(where: { $0.outputs[0].destination == .standardOutput }) && Terminal.output.isInteractive {
            throw ValidationError("an image does not belong on a terminal: name a file with -o")
        }
        return jobs
    }

    /// Run again over a folder or a pattern, we do not enlarge what we made before.
    private static func withoutResults(_ inputs: [ImageInput], suffix: String) -> [ImageInput] {
        guard inputs.count > 1 else { return inputs }
        let stems = Set(inputs.map { FilePath.folder(of: $0.description) + FilePath.stem(of: $0.description) })
        return inputs.filter { input in
            let own = FilePath.folder(of: input.description) + FilePath.stem(of: input.description)
            return !stems.contains { stem in own.hasPrefix(stem + suffix) && (own == stem + suffix || own.dropFirst(stem.count + suffix.count).first == "_") }
        }
    }

    /// Before the long work.
    func check(_ image: Image) throws {
        if image.hasAlpha, let output = destinations.first(where: { !$0.format.holdsAlpha }) {
            throw ToolError("\(input): \(ImageError.alphaNotSupported), not \(output)")
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
        let isImage = FilePath.fileExtension(of: output).map { ImageFormat(fileExtension: $0) != nil } ?? false
        if output == "-" {
            self = .standardOutput
        } else if output.hasSuffix("/") || FilePath.isFolder(output) {
            self = .folder(output)
        } else if isImage {
            guard !isMany else { throw ValidationError("\(output) is one file, but there are several images: name a folder") }
            self = .file(output)
        } else {
            guard isMany && !FilePath.exists(output) else {
                throw ValidationError("\(output): the formats that can be written are \(ImageFormat.preferredExtensions); a folder's name ends in /")
            }
            self = .folder(output)
        }
    }

    /// - Parameter format: instead of the input's own.
    func destination(of input: ImageInput, suffix: String, part: String, format: ImageFormat?) -> ImageOutput {
        func name(_ path: String) -> String {
            // PNM holds no metadata, so it becomes PNG.
            let own = FilePath.fileExtension(of: path).flatMap { ImageFormat(fileExtension: $0) } ?? .png
            return "\(FilePath.stem(of: path))\(suffix)\(part).\((format ?? (own == .pnm ? .png : own)).extensions[0])"
        }
        switch (self, input) {
        case (.standardOutput, _), (.besideInput, .standardInput): return .standardOutput
        case (.besideInput, .file(let path)): return .file(FilePath.joined(FilePath.folder(of: path), name(path)))
        case (.folder(let folder), .standardInput): return .file(FilePath.joined(folder, name("stdin")))
        case (.folder(let folder), .file(let path)): return .file(FilePath.joined(folder, name(path)))
        case (.file(let path), _):
            let kind = FilePath.fileExtension(of: path) ?? "png"
            return .file(part.isEmpty ? path : FilePath.joined(FilePath.folder(of: path), "\(FilePath.stem(of: path))\(part).\(kind)"))
        }
    }
}
