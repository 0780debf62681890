import Foundation
import SRDImage
import TestSupport
import Testing

/// Files that other software wrote: `Tests/Fixtures/images/make.sh` says how.
enum Fixture {
    static let jpegs = [
        "444", "420", "411", "440", "mixed_sampling", "progressive", "mozjpeg_style", "gray", "rgb", "arithmetic",
        "restart", "cmyk", "ycck",
    ]
    static let webPs = ["lossy", "lossless", "lossy_alpha", "lossless_alpha"]

    static func bytes(_ name: String) throws -> [UInt8] {
        let folder = SharedFiles.packageRoot.appendingPathComponent("Tests/Fixtures/images")
        return [UInt8](try Data(contentsOf: folder.appendingPathComponent(name)))
    }

    static func expected(_ name: String) throws -> Image {
        try Image(parsing: bytes("\(name).expected.png"))
    }
}

/// Tests of a codec are skipped where its library is not installed.
enum Codec {
    static let hasJPEG = ImageFormat.jpeg.isAvailable
    static let hasWebP = ImageFormat.webP.isAvailable
    static let noJPEG: Comment = "libturbojpeg0 is not installed"
    static let noWebP: Comment = "libwebp7 is not installed"
    static let notBoth: Comment = "libturbojpeg0 or libwebp7 is not installed"
    static let absent = CodecLibraries(jpegPath: "libabsent.so.0", webPPath: "libabsent.so.0")
}

/// A smooth image, so that lossy formats stay close to it.
func smoothImage(width: Int, height: Int, channels: Int, bitDepth: Int = 8) -> Image {
    var samples: [UInt16] = []
    for y in 0..<height {
        for x in 0..<width {
            for channel in 0..<channels {
                let isAlpha = channel == channels - 1 && channels % 2 == 0
                let value = isAlpha ? 255 - 2 * x : 40 + 3 * x * (channel + 1) / 2 + 2 * y
                samples.append(UInt16(min(max(value, 0), 255)) * (bitDepth == 8 ? 1 : 257))
            }
        }
    }
    return Image(width: width, height: height, channels: channels, bitDepth: bitDepth, samples: samples)
}

func greatestDifference(_ a: Image, _ b: Image) -> Int {
    precondition(a.samples.count == b.samples.count)
    return zip(a.samples, b.samples).map { abs(Int($0) - Int($1)) }.max() ?? 0
}

/// All texts that `body` reports.
func warnings(of body: ((String) -> Void) throws -> Void) rethrows -> [String] {
    var warnings: [String] = []
    try body { warnings.append($0) }
    return warnings
}
