import SRDFile

extension Image {
    /// Reads an image file of any supported format. The format is recognized by content.
    ///
    /// Throws `FileError` if the file cannot be read and `ImageError` if it is not an image.
    ///
    /// - Parameters:
    ///   - path: the file.
    ///   - onWarning: called with what was damaged or dropped.
    public init(contentsOf path: String, onWarning: (String) -> Void = { _ in }) throws {
        let file = try MappedFile(path: path)
        let image = file.withBytes { bytes in
            Result { () throws(ImageError) in try Image(parsing: bytes, onWarning: onWarning) }
        }
        self = try image.get()
    }

    /// Writes the image; the format is decided by the file name's extension. The file appears whole or not at all.
    ///
    /// Throws `FileError` and `ImageError`.
    ///
    /// - Parameters:
    ///   - path: the file; another file of that name is replaced.
    ///   - options: the quality of JPEG and WebP.
    public func write(to path: String, options: EncodingOptions = .init()) throws {
        let format = FilePath.fileExtension(of: path).flatMap { ImageFormat(fileExtension: $0) } ?? .png
        try FileOutput.write(atomically: [try encoded(as: format, options: options)], to: path)
    }
}
