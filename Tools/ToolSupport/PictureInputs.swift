import SRDImage

/// One picture to read.
public enum PictureInput: Hashable, Sendable, CustomStringConvertible {
    case standardInput
    case file(String)

    public var description: String {
        switch self {
        case .standardInput: "standard input"
        case .file(let path): path
        }
    }
}

extension PictureInput {
    /// Files as they are named, folders' pictures, patterns' matches, `-`; each once. What leads nowhere is an error of its own.
    public static func expand(_ arguments: [String]) -> (inputs: [PictureInput], errors: [ToolError]) {
        var inputs: [PictureInput] = [], seen: Set<PictureInput> = [], errors: [ToolError] = []
        func add(_ input: PictureInput) {
            if seen.insert(input).inserted { inputs.append(input) }
        }
        for argument in arguments {
            if argument == "-" {
                add(.standardInput)
            } else if FilePath.isFolder(argument) {
                let names = (FilePath.list(argument) ?? []).filter(isPicture)
                if names.isEmpty { errors.append(ToolError("\(argument): no picture (.png, .ppm, .pgm) in this folder")) }
                for name in names { add(.file(FilePath.joined(argument, name))) }
            } else if !FilePath.exists(argument), argument.contains(where: { "*?[".contains($0) }) {
                let paths = FilePath.matches(argument).filter { !FilePath.isFolder($0) }
                if paths.isEmpty { errors.append(ToolError("\(argument): no file matches")) }
                for path in paths { add(.file(path)) }
            } else {
                add(.file(argument))
            }
        }
        return (inputs, errors)
    }

    private static func isPicture(_ name: String) -> Bool {
        !name.hasPrefix(".") && FilePath.fileExtension(of: name).map { PictureFormat(fileExtension: $0) != nil } ?? false
    }
}

extension Picture {
    /// 8 bits, without alpha.
    public var plain: Picture {
        let kept = channels - (hasAlpha ? 1 : 0), unit: UInt32 = bitDepth == 8 ? 1 : 257
        guard kept != channels || unit != 1 else { return self }
        let samples = stride(from: 0, to: samples.count, by: channels).flatMap { pixel in
            (pixel..<pixel + kept).map { UInt16((UInt32(self.samples[$0]) + unit / 2) / unit) }
        }
        return Picture(width: width, height: height, channels: kept, bitDepth: 8, samples: samples)
    }
}
