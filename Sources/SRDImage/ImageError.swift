/// What is wrong with an image file, or with a wish to write one.
public enum ImageError: Error, Equatable {
    /// Neither PNG nor PPM/PGM; the first bytes, at most eight.
    case unknownFormat(firstBytes: [UInt8])
    /// The bytes end inside the image.
    case endsEarly
    /// More pixels than the caller allows.
    case tooManyPixels(width: Int, height: Int, limit: Int)
    /// So few bytes cannot hold that many pixels, however well compressed.
    case tooFewBytes(width: Int, height: Int, bytes: Int)
    /// libpng's own words.
    case png(String)
    /// PPM/PGM: the header field is missing, not a number, zero or too large.
    case badHeader(field: String)
    /// PPM/PGM: the sample at this index, counted from 0, is not a number or greater than the header allows.
    case badSample(index: Int)
    /// PPM and PGM have no alpha channel.
    case alphaNotSupported
}

extension ImageError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unknownFormat(let firstBytes):
            firstBytes.isEmpty ? "empty, not an image" : "neither PNG nor PPM/PGM: it starts with the bytes \(firstBytes)"
        case .endsEarly:
            "the file ends early"
        case .tooManyPixels(let width, let height, let limit):
            "\(width)×\(height) pixels are more than the limit of \(limit)"
        case .tooFewBytes(let width, let height, let bytes):
            "\(bytes) bytes cannot hold the \(width)×\(height) pixels that the header promises"
        case .png(let message):
            "damaged PNG: \(message)"
        case .badHeader(let field):
            "damaged PPM/PGM: bad \(field) in the header"
        case .badSample(let index):
            "damaged PPM/PGM: bad sample \(index)"
        case .alphaNotSupported:
            "PPM and PGM have no alpha channel; write PNG"
        }
    }
}
