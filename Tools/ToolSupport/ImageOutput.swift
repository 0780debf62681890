import SRDFile
import SRDiff

/// Where an image goes.
public enum ImageOutput: Hashable, Sendable, CustomStringConvertible {
    case standardOutput
    case file(String)

    public var description: String {
        switch self {
        case .standardOutput: "standard output"
        case .file(let path): path
        }
    }

    /// Standard output gets PNG.
    public var format: ImageFormat {
        guard case .file(let path) = self else { return .png }
        return FilePath.fileExtension(of: path).flatMap { ImageFormat(fileExtension: $0) } ?? .png
    }

    public var exists: Bool {
        guard case .file(let path) = self else { return false }
        return FilePath.exists(path)
    }

    /// - Parameter onWarning: called with what the format cannot hold.
    public func write(_ image: Image, options: EncodingOptions = .init(), onWarning: (String) -> Void = { _ in }) throws {
        let bytes: [UInt8]
        do { bytes = try image.encoded(as: format, options: options, onWarning: onWarning) } catch { throw ToolError("\(self): \(error)") }
        try write(bytes: bytes)
    }

    /// A whole image file's.
    public func write(bytes: [UInt8]) throws {
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

    /// Before the long work: can it be written there at all, over none of the inputs?
    public func check(against inputs: [ImageInput]) throws {
        guard case .file(let path) = self else { return }
        for case .file(let own) in inputs where FilePath.isSameFile(own, path) {
            throw ToolError("\(own): the output is the input itself")
        }
        if FilePath.isFolder(path) { throw FileError(.write, path, .directory) }
        let folder = FilePath.folder(of: path).isEmpty ? "." : FilePath.folder(of: path)
        if FilePath.exists(folder) && !FilePath.isWritable(folder) { throw FileError(.write, path, .denied) }
    }
}
