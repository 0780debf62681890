import ArgumentParser
import SRDFile
import SRDiff
import ToolSupport

/// One input and what becomes of it.
struct Job: Sendable {
    struct Output: Sendable {
        let seed: UInt64
        let destination: ImageOutput
    }

    /// What `--statistics` adds to the samples.
    enum Summary: String, CaseIterable, Sendable {
        case mean, sigma, sheet
    }

    let input: ImageInput
    /// The samples.
    let outputs: [Output]
    let summaries: [Summary: ImageOutput]

    var destinations: [ImageOutput] { outputs.map(\.destination) + Summary.allCases.compactMap { summaries[$0] } }
}

/// Everything that a command line asks for.
struct JobPlan {
    let jobs: [Job]
    /// Inputs that are results of an earlier run, by their names.
    let ownResults: Int
    /// Whether the inputs are several, or a folder's.
    let isMany: Bool

    /// Finds every output's name before the first image is read; what contradicts itself is a usage error.
    init(_ search: InputSearch, arguments: [String], output: String?, scale: Int, _ settings: Settings) throws {
        let isMany = search.found.count > 1 || arguments.contains { $0 != "-" && FilePath.isFolder($0) }
        let target = try Target(output, isMany: isMany, format: settings.format)
        let suffix = "_x\(scale)" + (settings.method == .sampled ? "" : "_\(settings.method.rawValue)")
        let found = isMany ? Self.withoutResults(search.found, suffix: "_x\(scale)") : search.found
        let hasStream = found.contains { if case .file = $0.input { false } else { true } }
        if found.count * settings.samples > 1 && (target.isStandardOutput || target == .besideInput && hasStream) {
            throw ValidationError("standard output takes one image: name a folder with -o")
        }
        jobs = found.map { found in
            func destination(_ part: String) -> ImageOutput {
                target.destination(of: found, suffix: suffix, part: part, format: settings.format)
            }
            let rows = settings.rows.map { "_\($0.name)" } ?? ""
            let outputs = settings.seeds.map { seed in
                let seed = (value: seed, part: settings.samples > 1 ? "_seed\(seed)" : "")
                return Job.Output(
                    seed: seed.value, destination: destination(target.isFile ? seed.part : seed.part + rows))
            }
            let summaries = settings.hasStatistics ? Job.Summary.allCases : []
            return Job(
                input: found.input, outputs: outputs,
                summaries: Dictionary(uniqueKeysWithValues: summaries.map { ($0, destination("_\($0)")) }))
        }
        self.isMany = isMany
        ownResults = search.found.count - found.count
        try checkDestinations(rowsOnly: settings.rows != nil)
    }

    private func checkDestinations(rowsOnly: Bool) throws {
        var origin: [ImageOutput: ImageInput] = [:]
        for job in jobs {
            for destination in job.destinations {
                if rowsOnly && destination.format != .png { throw ValidationError("\(destination): --rows writes PNG") }
                if let other = origin.updateValue(job.input, forKey: destination) {
                    throw ValidationError("\(other) and \(job.input) would both become \(destination)")
                }
            }
        }
        let isPrinted = jobs.contains { $0.outputs[0].destination.isStandardOutput }
        if isPrinted && Terminal.output.isInteractive {
            throw ValidationError("an image does not belong on a terminal: name a file with -o")
        }
    }

    /// Leaves out results of an earlier run next to their originals. Others are recognized when they are read.
    private static func withoutResults(_ inputs: [InputSearch.Found], suffix: String) -> [InputSearch.Found] {
        func stem(_ found: InputSearch.Found) -> String? {
            guard case .file(let path) = found.input else { return nil }
            return FilePath.folder(of: path) + FilePath.stem(of: path)
        }
        let stems = Set(inputs.compactMap(stem))
        return inputs.filter { found in
            guard let own = stem(found) else { return true }
            // The original's name, the suffix, and nothing or "_" with more after it.
            var rest = own[...]
            while let place = rest.lastRange(of: suffix) {
                let end = own[place.upperBound...]
                if (end.isEmpty || end.first == "_") && stems.contains(String(own[..<place.lowerBound])) {
                    return false
                }
                rest = own[..<place.lowerBound]
            }
            return true
        }
    }
}

extension Substring {
    /// Where `text` occurs last.
    fileprivate func lastRange(of text: String) -> Range<Index>? {
        var end = endIndex
        while let start = index(end, offsetBy: -text.count, limitedBy: startIndex) {
            if self[start..<end] == text { return start..<end }
            end = index(before: end)
        }
        return nil
    }
}

/// What `-o` means.
private enum Target: Equatable {
    case besideInput
    case standardOutput(ImageFormat)
    case file(String)
    case folder(String)

    var isStandardOutput: Bool { if case .standardOutput = self { true } else { false } }
    var isFile: Bool { if case .file = self { true } else { false } }

    init(_ output: String?, isMany: Bool, format: ImageFormat?) throws {
        guard let output else { self = .besideInput; return }
        let isImage = FilePath.fileExtension(of: output).map { ImageFormat(fileExtension: $0) != nil } ?? false
        if output == "-" {
            self = .standardOutput(format ?? .png)
        } else if output.hasSuffix("/") || FilePath.isFolder(output) {
            self = .folder(output)
        } else if isImage || FilePath.isStream(output) {
            guard !isMany else {
                throw ValidationError("\(output.printable) is one file, but there are several images: name a folder")
            }
            self = .file(output)
        } else {
            guard isMany && !FilePath.exists(output) else {
                throw ValidationError(
                    """
                    \(output.printable): the formats that can be written are \(ImageFormat.preferredExtensions); \
                    a folder's name ends in /
                    """)
            }
            self = .folder(output)
        }
    }

    /// - Parameter format: instead of the input's own.
    func destination(of found: InputSearch.Found, suffix: String, part: String, format: ImageFormat?) -> ImageOutput {
        func name(_ path: String) -> String {
            // PNM holds no metadata, so it becomes PNG.
            let own = FilePath.fileExtension(of: path).flatMap { ImageFormat(fileExtension: $0) } ?? .png
            let ending = "\(suffix)\(part).\((format ?? (own == .pnm ? .png : own)).extensions[0])"
            return FilePath.name(stem: FilePath.stem(of: path), ending: ending)
        }
        switch (self, found.input) {
        case (.standardOutput(let format), _): return .standardOutput(format)
        case (.besideInput, .standardInput), (.besideInput, .stream): return .standardOutput(format ?? .png)
        case (.besideInput, .file(let path)): return .file(FilePath.joined(FilePath.folder(of: path), name(path)))
        case (.folder(let folder), let input):
            return .file(FilePath.joined(FilePath.joined(folder, found.subfolder), name(input.path ?? "stdin")))
        case (.file(let path), _):
            guard !part.isEmpty else { return .file(path) }
            let ending = "\(part).\(FilePath.fileExtension(of: path) ?? "png")"
            let name = FilePath.name(stem: FilePath.stem(of: path), ending: ending)
            return .file(FilePath.joined(FilePath.folder(of: path), name))
        }
    }
}
