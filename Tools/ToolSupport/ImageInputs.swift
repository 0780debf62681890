import SRDFile
import SRDiff

/// One image to read.
public enum ImageInput: Hashable, Sendable, CustomStringConvertible {
    case standardInput
    case file(String)

    public var description: String {
        switch self {
        case .standardInput: "standard input"
        case .file(let path): path
        }
    }
}

extension ImageInput {
    /// Files as they are named, folders' images, patterns' matches, `-`; each once. What leads nowhere is an error of its own.
    public static func expand(_ arguments: [String]) -> (inputs: [ImageInput], errors: [ToolError]) {
        var inputs: [ImageInput] = [], seen: Set<ImageInput> = [], errors: [ToolError] = []
        func add(_ input: ImageInput) {
            if seen.insert(input).inserted { inputs.append(input) }
        }
        for argument in arguments {
            if argument == "-" {
                add(.standardInput)
            } else if FilePath.isFolder(argument) {
                let names = (FilePath.list(argument) ?? []).filter(isImage)
                if names.isEmpty { errors.append(ToolError("\(argument): no image (\(ImageFormat.preferredExtensions)) in this folder")) }
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

    private static func isImage(_ name: String) -> Bool {
        !name.hasPrefix(".") && FilePath.fileExtension(of: name).map { ImageFormat(fileExtension: $0) != nil } ?? false
    }
}

extension Image {
    /// 8 bits, without alpha.
    public var plain: Image {
        let kept = channels - (hasAlpha ? 1 : 0), unit: UInt32 = bitDepth == 8 ? 1 : 257
        guard kept != channels || unit != 1 else { return self }
        let samples = stride(from: 0, to: samples.count, by: channels).flatMap { pixel in
            (pixel..<pixel + kept).map { UInt16((UInt32(self.samples[$0]) + unit / 2) / unit) }
        }
        return Image(width: width, height: height, channels: kept, bitDepth: 8, samples: samples)
    }
}
