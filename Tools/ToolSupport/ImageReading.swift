import SRDFile
import SRDiff

extension ImageInput {
    public func file() throws -> MappedFile {
        switch self {
        case .standardInput: try MappedFile(copying: Terminal.readInput(), path: "standard input")
        case .file(let path): try MappedFile(path: path)
        }
    }

    /// - Parameters:
    ///   - pixelLimit: an image of more is refused by its header alone.
    ///   - ifTooLarge: is called before that, with its size, for a better error than the plain one.
    public func read(
        pixelLimit: Int = Image.defaultPixelLimit, ifTooLarge: (_ width: Int, _ height: Int) throws -> Void = { _, _ in },
        onWarning: (String) -> Void
    ) throws -> Image {
        try parse(try file(), pixelLimit: pixelLimit, ifTooLarge: ifTooLarge, onWarning: onWarning)
    }

    /// The same of a file that is open already.
    public func parse(
        _ file: MappedFile, pixelLimit: Int = Image.defaultPixelLimit,
        ifTooLarge: (_ width: Int, _ height: Int) throws -> Void = { _, _ in }, onWarning: (String) -> Void
    ) throws -> Image {
        let image = file.withBytes { bytes in
            Result { () throws(ImageError) in try Image(parsing: bytes, pixelLimit: pixelLimit, onWarning: onWarning) }
        }
        switch image {
        case .success(let image): return image
        case .failure(let error):
            if case .tooManyPixels(let width, let height, _) = error, width <= Image.defaultPixelLimit / max(1, height) {
                do { try ifTooLarge(width, height) } catch { throw ToolError("\(self): \(error)") }
            }
            throw ToolError("\(self): \(error)")
        }
    }
}
