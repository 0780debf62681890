import Foundation
import SRDFile
import SRDiff
import TestSupport
import Testing

/// Colours, orientation and formats of results.
@Suite("Colour", .serialized)
struct ColorTests {
    /// Colour chart, 8-bit sRGB: skin, foliage, primaries, grays (the values published for the ColorChecker of 2005),
    /// then every colour whose channels are 0, 128 or 255.
    private static let patches: [[UInt16]] =
        [
            [115, 82, 68], [194, 150, 130], [98, 122, 157], [87, 108, 67], [133, 128, 177], [103, 189, 170],
            [214, 126, 44], [80, 91, 166], [193, 90, 99], [94, 60, 108], [157, 188, 64], [224, 163, 46],
            [56, 61, 150], [70, 148, 73], [175, 54, 60], [231, 199, 31], [187, 86, 149], [8, 133, 161],
            [243, 243, 242], [200, 200, 200], [160, 160, 160], [122, 122, 121], [85, 85, 85], [52, 52, 52],
        ] + (0..<27).map { i in [i / 9, i / 3 % 3, i % 3].map { UInt16([0, 128, 255][$0]) } }
    private static let side = 16, columns = 6, rows = 9

    private static func chart(bitDepth: Int) -> Image {
        let width = side * columns, height = side * rows
        var samples: [UInt16] = []
        for y in 0..<height {
            for x in 0..<width {
                let patch = min(y / side * columns + x / side, patches.count - 1)
                samples += patches[patch].map { $0 * (bitDepth == 8 ? 1 : 257) }
            }
        }
        return Image(width: width, height: height, channels: 3, bitDepth: bitDepth, samples: samples)
    }

    private static let models = ["edge", "photo"].map { "Models/\($0).int8.safetensors" }
        .map { SharedFiles.packageRoot.appendingPathComponent($0).path }

    /// How far the mean colour of a patch is from what it should be, at most, in 8-bit levels.
    private static func greatestShift(_ result: Image) -> Double {
        let unit = result.bitDepth == 8 ? 1.0 : 257.0, large = side * 4
        var worst = 0.0
        for (i, patch) in patches.enumerated() {
            // Without the edges, where patches run into each other.
            let x = i % columns * large + large / 4, y = i / columns * large + large / 4
            let inner = result.cropped(x: x, y: y, width: large / 2, height: large / 2)
            for c in 0..<3 {
                let values = stride(from: c, to: inner.samples.count, by: 3).map { Double(inner.samples[$0]) / unit }
                worst = max(worst, abs(values.reduce(0, +) / Double(values.count) - Double(patch[c])))
            }
        }
        return worst
    }

    @Test("the mean colour of a chart's patches stays within one level", arguments: models, [8, 16])
    func chart(model: String, bitDepth: Int) throws {
        let low = Self.chart(bitDepth: bitDepth), result = try Upscaler(modelAt: model).upscale(low, seed: 1)
        #expect(result.bitDepth == bitDepth)
        let shift = Self.greatestShift(result),
            consistent = Self.greatestShift(result.backProjected(onto: low, threads: 2))
        #expect(shift <= 1, "\(shift) levels")
        #expect(consistent <= 1, "\(consistent) levels")
    }

    /// Metadata with an EXIF block that says only how the image is turned.
    private func turned(_ orientation: UInt8) -> ImageMetadata {
        var metadata = ImageMetadata()
        metadata.exif =
            Array("MM\0*".utf8) + [0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0]
        return metadata
    }

    @Test("the orientation is kept, and applied where there is no place for it")
    func orientation() throws {
        try withTinyModel { folder, _ in
            var image = Image.random(7, 5)
            image.metadata = turned(6)
            #expect(image.metadata.orientation == 6)
            try image.write(to: "\(folder)/in.png")
            for (arguments, name) in [
                ([], "in_x4_bicubic.png"), (["-o", "\(folder)/out.ppm"], "out.ppm"),
                (["--strip-metadata", "-o", "\(folder)/out.png"], "out.png"),
            ] {
                let run = try ToolRun("srdiff-upscale", ["\(folder)/in.png", "--bicubic"] + arguments)
                #expect(run.status == 0, "\(run.error)")
                let result = try readImage("\(folder)/\(name)"), isKept = arguments.isEmpty
                #expect(
                    result.width == (isKept ? 28 : 20) && result.metadata.orientation == (isKept ? 6 : nil), "\(name)")
                #expect(
                    result.samples
                        == (isKept ? image.resized(by: 4) : image.resized(by: 4).withOrientationApplied()).samples)
            }
        }
    }

    @Test(
        "lossless WebP stays lossless unless --quality asks for loss",
        .enabled(if: ImageFormat.webP.isAvailable, "libwebp7 is not installed"))
    func webP() throws {
        try withTinyModel { folder, _ in
            let image = Image.random(7, 5)
            for isLossless in [true, false] {
                try write(
                    image.encoded(as: .webP, options: EncodingOptions(isLossless: isLossless)), to: "\(folder)/in.webp")
                for quality in [[], ["--quality", "80"]] {
                    let run = try ToolRun(
                        "srdiff-upscale", ["\(folder)/in.webp", "--bicubic", "--overwrite"] + quality)
                    #expect(run.status == 0, "\(run.error)")
                    let header = try ImageHeader(parsing: [UInt8](contents("\(folder)/in_x4_bicubic.webp")))
                    #expect(header.isLossy == !(isLossless && quality.isEmpty))
                }
            }
        }
    }

    @Test("images of different profiles are mixed with a warning, those of one without")
    func profiles() throws {
        try withTinyModel { folder, options in
            func profile(_ name: String) -> [UInt8] {
                [UInt8](repeating: 0, count: 16) + Array("RGB ".utf8) + [UInt8](repeating: 1, count: 120)
                    + Array(name.utf8)
            }
            for (file, name) in [
                ("a", "Display P3"), ("b", "Display P3"), ("c", "Adobe RGB"), ("d", "sRGB IEC61966-2.1"), ("e", nil),
            ] {
                var image = Image.waves(16, 12, phase: 2)
                image.metadata.colorProfile = name.map(profile)
                try image.write(to: "\(folder)/\(file).png")
            }
            for (a, b, warns) in [("a", "b", false), ("a", "c", true), ("d", "e", false), ("e", "c", true)] {
                let inputs = ["\(folder)/\(a).png", "\(folder)/\(b).png"]
                let fused = try ToolRun(
                    "srdiff-fuse", inputs + ["--box", "2,2,8,8", "-o", "\(folder)/out.png", "--overwrite"] + options)
                #expect(fused.status == 0 && fused.error.contains("colour profile") == warns, "\(a)\(b) \(fused.error)")
                let mixed = try ToolRun(
                    "srdiff-interpolate", inputs + ["--frames", "2", "-o", "\(folder)/out", "--overwrite"] + options)
                #expect(mixed.status == 0 && mixed.error.contains("colour profile") == warns, "\(a)\(b) \(mixed.error)")
            }
        }
    }
}
