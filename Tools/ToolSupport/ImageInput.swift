import SRDFile
import SRDiff

/// One image to read.
public enum ImageInput: Hashable, Sendable, CustomStringConvertible {
    case standardInput
    /// A pipe, a device, a shell's `<(command)`: bytes that come once.
    case stream(String)
    case file(String)

    /// `-` is standard input.
    public init(argument: String) {
        self = argument == "-" ? .standardInput : FilePath.isStream(argument) ? .stream(argument) : .file(argument)
    }

    /// nil for standard input.
    public var path: String? {
        switch self {
        case .standardInput: nil
        case .stream(let path), .file(let path): path
        }
    }

    /// For messages: terminal escapes in the name are made visible.
    public var description: String { path.map { $0.printable(limit: 4096) } ?? "standard input" }
}

/// An error together with the image that it is about.
public struct InputError: Error, CustomStringConvertible {
    public let input: ImageInput
    public let underlying: any Error

    public init(_ input: ImageInput, _ underlying: any Error) {
        self.input = input
        self.underlying = underlying
    }

    public var description: String { "\(input): \(underlying)" }
}

/// An image file whose header was read. No pixel is decoded yet.
public struct OpenedImage: Sendable {
    public let input: ImageInput
    public let file: MappedFile
    public let header: ImageHeader

    /// Bytes of the decoded image, its decoder and the file.
    public var memory: Int {
        let (sum, overflow) = header.decodingBytes.addingReportingOverflow(file.count)
        return overflow ? .max : sum
    }

    /// The size as a viewer shows the image: EXIF's orientation may exchange the sides.
    public var uprightSize: (width: Int, height: Int) {
        let turned = (file.withBytes { ImageMetadata(parsing: $0) }.orientation ?? 1) >= 5
        return turned ? (header.height, header.width) : (header.width, header.height)
    }

    /// Bytes that decoding takes, with `copies` further copies of the samples.
    public func decodingBytes(copies: Int) -> Int {
        header.decodingBytes + header.width * header.height * 2 * header.channels * copies  // at most 2²⁸ pixels
    }

    public var sizeText: String { "\(header.width)×\(header.height) pixels" }

    /// Throws if decoding takes more memory than there is, with `copies` further copies of the samples, or if the file
    /// looks like a decompression bomb.
    public func checkMemory(copies: Int = 0) throws {
        do {
            try MemoryEstimate.check(decodingBytes(copies: copies), for: "an image of \(sizeText)")
            try DecompressionBomb.check(header, fileSize: file.count)
        } catch {
            throw InputError(input, error)
        }
    }

    /// What to announce of an image that takes much memory, beyond what every tool takes.
    public func memoryNote(copies: Int = 0) -> String? {
        MemoryEstimate.note(decodingBytes(copies: copies), for: "\(input): \(sizeText)")
    }

    /// Whether this software made the image: the settings of the run are stored in it.
    public var isOwnResult: Bool {
        file.withBytes { ImageMetadata(parsing: $0) }.texts.contains { $0.keyword == RunSettings.keyword }
    }

    /// Decodes the pixels. Throws before that if the memory does not suffice, unless `force` is set.
    public func decode(force: Bool = false, onWarning: (String) -> Void) throws -> Image {
        try decoded(force) { bytes throws(ImageError) in try Image(parsing: bytes, onWarning: onWarning) }
    }

    /// Decodes all images of the file: PNM files may hold several.
    public func decodeAll(force: Bool = false, onWarning: (String) -> Void) throws -> [Image] {
        try decoded(force) { bytes throws(ImageError) in try Image.sequence(parsing: bytes, onWarning: onWarning) }
    }

    private func decoded<Value>(
        _ force: Bool, _ decode: (UnsafeRawBufferPointer) throws(ImageError) -> Value
    ) throws -> Value {
        do {
            if !force { try checkMemory() }
            let result = file.withBytes { bytes in
                Result { () throws(ImageError) in try decode(bytes) }
            }
            try file.checkUnchanged()
            return try result.get()
        } catch {
            // These errors name the file themselves.
            throw error is FileError || error is InputError ? error : InputError(input, error)
        }
    }
}

extension ImageInput {
    /// Reads the file and its header.
    public func open() throws -> OpenedImage {
        do {
            let file = try file()
            if case .file = self, file.count > MappedFile.longestCopy {
                try MemoryEstimate.check(file.count, for: "a file of \(ByteCount.text(file.count))")
            }
            let found = file.withBytes { bytes in
                Result { () throws(ImageError) in try ImageHeader(parsing: bytes) }
            }
            try file.checkUnchanged()
            let header = try found.get()
            let limit = Image.defaultPixelLimit
            guard header.width <= limit / header.height else {
                throw ImageError.tooManyPixels(width: header.width, height: header.height, limit: limit)
            }
            return OpenedImage(input: self, file: file, header: header)
        } catch {
            throw error is FileError || error is InputError ? error : InputError(self, error)
        }
    }

    private func file() throws -> MappedFile {
        switch self {
        case .file(let path): try MappedFile(path: path)
        case .standardInput, .stream: try MappedFile(copying: ImageStream.read(self), path: description)
        }
    }

    /// Opens and decodes the image. Throws before the pixels are decoded if the memory does not suffice, unless `force`
    /// is set.
    public func read(force: Bool = false, onWarning: (String) -> Void) throws -> Image {
        try open().decode(force: force, onWarning: onWarning)
    }
}

extension Image {
    /// 8 bits, without alpha.
    public var plain: Image {
        let kept = channels - (hasAlpha ? 1 : 0), unit: UInt32 = bitDepth == 8 ? 1 : 257
        guard kept != channels || unit != 1 else { return self }
        var plain: [UInt16] = []
        plain.reserveCapacity(width * height * kept)
        for pixel in stride(from: 0, to: samples.count, by: channels) {
            for sample in pixel..<pixel + kept { plain.append(UInt16((UInt32(samples[sample]) + unit / 2) / unit)) }
        }
        return Image(width: width, height: height, channels: kept, bitDepth: 8, samples: plain)
    }
}
