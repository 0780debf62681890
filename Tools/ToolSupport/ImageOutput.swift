import SRDFile
import SRDiff

/// Where an image goes.
public enum ImageOutput: Hashable, Sendable, CustomStringConvertible {
    case standardOutput(ImageFormat)
    case file(String)

    /// For messages: terminal escapes in the name are made visible.
    public var description: String {
        switch self {
        case .standardOutput: "standard output"
        case .file(let path): path.printable(limit: 4096)
        }
    }

    public var isStandardOutput: Bool { path == nil }

    /// nil for standard output.
    public var path: String? {
        guard case .file(let path) = self else { return nil }
        return path
    }

    public var format: ImageFormat {
        switch self {
        case .standardOutput(let format): format
        case .file(let path): FilePath.fileExtension(of: path).flatMap { ImageFormat(fileExtension: $0) } ?? .png
        }
    }

    public var exists: Bool { path.map(FilePath.exists) ?? false }

    /// Writes the image. Where the format has no place for the orientation, the pixels are rotated.
    ///
    /// - Parameter onWarning: called with what the format cannot hold.
    public func write(
        _ image: Image, options: EncodingOptions = .init(), onWarning: (String) -> Void = { _ in }
    ) throws {
        let image = format.holdsMetadata ? image : image.withOrientationApplied(), bytes: [UInt8]
        do {
            bytes = try image.encoded(as: format, options: options, onWarning: onWarning)
        } catch {
            throw ToolError("\(self): \(error)")
        }
        try write(bytes: bytes)
    }

    /// Writes the bytes of an image file.
    public func write(bytes: [UInt8]) throws { try write { write in try write(bytes) } }

    /// Writes the bytes that `body` passes to its argument, chunk by chunk. A file appears whole or not at all.
    public func write(_ body: (_ write: ([UInt8]) throws(FileError) -> Void) throws -> Void) throws {
        guard let path else {
            return try body { bytes throws(FileError) in
                try FileOutput.write([bytes], toDescriptor: Terminal.output.rawValue, path: "standard output")
            }
        }
        guard FilePath.makeFolder(OutputRules.folder(of: path)) else { throw FileError(.write, path, .missing) }
        try FileOutput.write(atomicallyTo: path, body)
    }
}
