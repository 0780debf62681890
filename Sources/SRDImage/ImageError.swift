/// Why an image file cannot be read or written.
public enum ImageError: Error, Equatable {
    /// The file has no bytes.
    case empty
    /// No known format; the first bytes, at most eight.
    case unknownFormat(firstBytes: [UInt8])
    /// A recognized format that is not read.
    case foreignFormat(ForeignFormat)
    /// The codec library of this format is not installed.
    case codecMissing(ImageFormat)
    /// The bytes end inside the image.
    case endsEarly
    /// More pixels than the caller allows.
    case tooManyPixels(width: Int, height: Int, limit: Int)
    /// The file is too small to hold that many pixels at any compression ratio.
    case tooFewBytes(width: Int, height: Int, bytes: Int)
    /// An error message from libpng.
    case png(String)
    /// A JPEG or WebP file that cannot be decoded, or an error message from its codec.
    case damaged(ImageFormat, String)
    /// PNM: the header field is missing, not a number, zero or too large.
    case badHeader(field: String)
    /// PNM: the sample at this index, counted from 0, is not a number or exceeds the header's maximum.
    case badSample(index: Int)
    /// The output format has no alpha channel.
    case alphaNotSupported
    /// The image is wider or higher than the output format allows.
    case sizeNotSupported(ImageFormat, width: Int, height: Int)
}

extension ImageError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .empty:
            "the file is empty"
        case .unknownFormat(let firstBytes):
            "not an image in a known format (starts with \(quoted(firstBytes))); supported are \(ImageFormat.names)"
        case .foreignFormat(let format):
            "\(format.name) is not supported; \(format.remedy)"
        case .codecMissing(let format):
            "\(format.name) requires a library that is not installed; run `sudo apt install \(format.package ?? "")`"
        case .endsEarly:
            "the file ends early"
        case .tooManyPixels(let width, let height, let limit):
            "\(width)×\(height) pixels exceed the limit of \(limit)"
        case .tooFewBytes(let width, let height, let bytes):
            "\(bytes) bytes cannot hold the \(width)×\(height) pixels that the header announces"
        case .png(let message):
            "damaged PNG: \(message)"
        case .damaged(let format, let message):
            "damaged \(format.name): \(message)"
        case .badHeader(let field):
            "damaged PNM: bad \(field) in the header"
        case .badSample(let index):
            "damaged PNM: bad sample \(index)"
        case .alphaNotSupported:
            "the format has no alpha channel; write PNG or WebP"
        case .sizeNotSupported(let format, let width, let height):
            "\(width)×\(height) pixels exceed \(format.name)'s limit of \(format.maximumSide) per side; write PNG"
        }
    }

    /// Printable ASCII in quotation marks, other bytes in hexadecimal.
    private func quoted(_ bytes: [UInt8]) -> String {
        if bytes.allSatisfy({ (32...126).contains($0) }) { return "\"" + String(decoding: bytes, as: UTF8.self) + "\"" }
        return "bytes " + bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
    }
}
