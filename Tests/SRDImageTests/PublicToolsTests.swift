import Foundation
import SRDImage
import TestSupport
import Testing

/// Programs of other people that judge our files. Tests that need one are skipped where it is not installed.
private enum PublicTool: String {
    case cjpeg, djpeg, exiftool, pngcheck

    static func are(_ tools: PublicTool...) -> Bool { tools.allSatisfy { $0.path != nil } }

    var path: String? {
        ["/usr/bin", "/usr/local/bin"].map { "\($0)/\(rawValue)" }.first {
            FileManager.default.isExecutableFile(atPath: $0)
        }
    }

    /// Status, standard output, and standard error as text.
    func run(_ arguments: [String]) throws -> (status: Int32, output: [UInt8], error: String) {
        let process = Process(), output = Pipe(), error = Pipe()
        process.executableURL = URL(fileURLWithPath: try #require(path))
        process.arguments = arguments
        process.standardOutput = output
        process.standardError = error
        try process.run()
        let bytes = output.fileHandleForReading.readDataToEndOfFile(),
            errors = error.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, [UInt8](bytes), String(decoding: errors, as: UTF8.self))
    }
}

@Suite("Public tools")
struct PublicToolsTests {
    private func write(_ bytes: [UInt8], to path: String) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: path))
    }

    @Test(
        "JPEG pixels equal djpeg's",
        .enabled(if: PublicTool.are(.cjpeg, .djpeg) && Codec.hasJPEG, "libjpeg-turbo-progs is not installed"),
        arguments: [
            [], ["-progressive"], ["-grayscale"], ["-grayscale", "-progressive"], ["-sample", "1x1"],
            ["-sample", "2x1"], ["-sample", "1x2"],
            ["-sample", "4x1"], ["-progressive", "-sample", "2x2"], ["-optimize", "-restart", "1"], ["-arithmetic"],
            ["-rgb"],
        ])
    func decodes(options: [String]) throws {
        var random = SeededRandom(seed: SeededRandom.seed)
        try withTemporaryFolder { folder in
            for round in 0..<6 {
                let width = Int.random(in: 1...70, using: &random), height = Int.random(in: 1...50, using: &random)
                var image = smoothImage(width: width, height: height, channels: 3)
                for i in image.samples.indices {
                    image.samples[i] = UInt16(
                        min(255, max(0, Int(image.samples[i]) + Int.random(in: -40...40, using: &random))))
                }
                try write(image.encoded(as: .pnm), to: "\(folder)/in.ppm")
                let quality = ["30", "75", "100"][round % 3]
                #expect(
                    try PublicTool.cjpeg.run(
                        ["-quality", quality, "-outfile", "\(folder)/a.jpg"] + options + ["\(folder)/in.ppm"]
                    ).status == 0)
                let expected = try Image(parsing: PublicTool.djpeg.run(["-pnm", "\(folder)/a.jpg"]).output)
                let found = try Image(parsing: [UInt8](Data(contentsOf: URL(fileURLWithPath: "\(folder)/a.jpg"))))
                #expect(
                    found.samples == expected.samples && found.channels == expected.channels,
                    "\(width)×\(height), quality \(quality)")
            }
        }
    }

    @Test(
        "EXIF, ICC profile and XMP pass through every format, and exiftool finds no fault",
        .enabled(
            if: PublicTool.are(.exiftool) && Codec.hasJPEG && Codec.hasWebP, "exiftool or a codec is not installed"),
        arguments: [ImageFormat.jpeg, .png, .webP], [false, true])
    func metadata(format: ImageFormat, isUpscaled: Bool) throws {
        try withTemporaryFolder { folder in
            let input = "\(folder)/phone.jpg", output = "\(folder)/out.\(format.extensions[0])",
                file = try Fixture.bytes("phone.jpg")
            try write(file, to: input)
            var image = try Image(parsing: file)
            if isUpscaled {
                let large = image.resized(by: 4)
                var metadata = image.metadata
                metadata.scalePixelDensity(by: 4)
                image = Image(
                    width: large.width, height: large.height, channels: 3, bitDepth: 8, samples: large.samples,
                    metadata: metadata)
            }
            try write(image.encoded(as: format), to: output)
            for tag in ["-ICC_Profile", "-XMP"] {
                let before = try PublicTool.exiftool.run(["-b", tag, input]).output,
                    after = try PublicTool.exiftool.run(["-b", tag, output]).output
                #expect(!before.isEmpty && before == after, "\(tag)")
            }
            func tags(_ path: String, _ names: [String]) throws -> [String] {
                let text = String(
                    decoding: try PublicTool.exiftool.run(["-s", "-n"] + names.map { "-EXIF:\($0)" } + [path]).output,
                    as: UTF8.self)
                return text.split(separator: "\n").map(String.init)
            }
            let kept = ["Make", "Model", "Orientation", "GPSLatitude", "GPSLatitudeRef", "UserComment"]
            #expect(try tags(input, kept).count == kept.count && tags(input, kept) == tags(output, kept))
            let sizes = try tags(output, ["ExifImageWidth", "ExifImageHeight", "XResolution"])
            #expect(
                sizes.count == 3 && sizes[0].hasSuffix(" \(image.width)") && sizes[1].hasSuffix(" \(image.height)"),
                "\(sizes)")
            #expect(sizes[2].hasSuffix(isUpscaled ? " 288" : " 72"))
            #expect(try tags(output, ["ThumbnailImage"]).isEmpty)
            let faults = try PublicTool.exiftool.run(["-validate", "-warning", "-error", "-a", output])
            let own = try PublicTool.exiftool.run(["-validate", "-warning", "-error", "-a", input])
            // The test's input has faults of its own, which are copied.
            let text = String(decoding: faults.output, as: UTF8.self),
                before = String(decoding: own.output, as: UTF8.self)
            let new = text.split(separator: "\n").filter { !$0.hasPrefix("Validate") && !before.contains($0) }
            #expect(new.isEmpty && !text.contains("Error"), "\(text)")
        }
    }

    @Test(
        "pngcheck finds no fault in PNG files", .enabled(if: PublicTool.are(.pngcheck), "pngcheck is not installed"),
        arguments: 1...4, [8, 16])
    func png(channels: Int, bitDepth: Int) throws {
        try withTemporaryFolder { folder in
            var image = smoothImage(width: 31, height: 17, channels: channels, bitDepth: bitDepth)
            if channels == 3, Codec.hasJPEG { image.metadata = try Image(parsing: Fixture.bytes("phone.jpg")).metadata }
            image.metadata.addText(keyword: "srdiff", "seed=0 größe=1")
            image.metadata.addText(keyword: "Comment", "漢字")
            let path = "\(folder)/out.png"
            try write(image.encoded(as: .png), to: path)
            let run = try PublicTool.pngcheck.run(["-q", path])
            #expect(
                run.status == 0 && run.output.isEmpty, "\(String(decoding: run.output, as: UTF8.self)) \(run.error)")
        }
    }
}
