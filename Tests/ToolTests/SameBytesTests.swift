import Foundation
import Testing
import SRDFile
import SRDiff
import TestSupport

/// One image from the shipped model, the same on every machine. A new model has new hashes: the failures say which.
@Suite("Same bytes on every processor", .serialized)
struct SameBytesTests {
    static let modelSHA256 = "1c6918168f2070006f69658383d7f8ffc08dc20722ebb42cf9d2b2617aa04d0e"
    /// Of the PPM: a PNG's bytes depend on zlib's version too. By the options that choose the sampler; none is the model's own schedule.
    static let imageSHA256 = [
        "": "6ab8170324b1a7028606c189f88185daf1042fa86cadf0d43dfebb19fecf84a9",
        "--sampler ddpm": "7cccf3ccbbf745eccff43c074807446106cf29736b39ebdce963f7467cf99353",
        "--sampler ddim": "b258cddcc85f510bff1bfb307604671935c5c3d59a170e4f34f737c69902d9ac",
        "--sampler ddim --eta 0.5 --spacing quadratic": "053dd598206e975b45797add09ec216944210e1c32070b5ef41d85116f9a5803",
        "--sampler dpm++2m": "8b2c55bcfb55577c02bb654a2b2df66f64bb83ddfc515850a382b8e7323360f5",
        "--sampler dpm++2m-sde --spacing logsnr": "a2977589892a00b8e425c81f8a5866be05c77ad79802d10355c023a148eb5587",
        "--sampler unipc": "755a0db693ca082a3023b9f4f91b7f6c54792a96e718a542af34311f94cb58f3"
    ]

    static let package = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    static let emulator = "/usr/bin/qemu-x86_64-static"

    /// All of x86's; of ARM's the fastest alone, which an emulator runs in seconds.
    private static func takesEverySampler(_ instructionSet: InstructionSet) -> Bool {
        #if arch(x86_64)
        true
        #else
        instructionSet == InstructionSet.available.last
        #endif
    }

    /// 20 × 14 pixels, their shades all different from their neighbours'.
    private func image() -> Image {
        var random = SeededRandom(seed: 20_141)
        return Image(
            width: 20, height: 14, channels: 3, bitDepth: 8, samples: (0..<20 * 14 * 3).map { _ in .random(in: 0...255, using: &random) })
    }

    private func hash(
        _ sampler: String = "", threads: Int, instructionSet: InstructionSet? = nil, emulating processor: String? = nil
    ) throws -> String {
        try withTemporaryFolder { folder in
            try image().write(to: "\(folder)/in.png")
            var arguments = [
                "\(folder)/in.png", "-o", "\(folder)/out.ppm", "--steps", sampler.isEmpty ? "2" : "4", "--seed", "7", "--threads", "\(threads)", "--quiet",
                "--model", Self.package.appendingPathComponent("Models/edge.int8.safetensors").path
            ] + sampler.split(separator: " ").map(String.init)
            var tool = "srdiff-upscale"
            if let processor {
                arguments = ["-cpu", processor, ToolRun.folder.appendingPathComponent(tool).path] + arguments
                tool = Self.emulator
            }
            let run = try ToolRun(tool, arguments, environment: instructionSet.map { ["SRDIFF_CPU": $0.rawValue] } ?? [:])
            #expect(run.status == 0, "\(run.error)")
            return SHA256.hex([UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(folder)/out.ppm"))))
        }
    }

    @Test("the model is the one the hash was taken with")
    func model() throws {
        let path = Self.package.appendingPathComponent("Models/edge.int8.safetensors")
        let found = SHA256.hex([UInt8](try Data(contentsOf: path)))
        #expect(found == Self.modelSHA256)
    }

    @Test("it is found without being named")
    func finds() throws {
        try withTemporaryFolder { folder in
            try image().write(to: "\(folder)/in.png")
            let run = try ToolRun("srdiff-upscale", ["\(folder)/in.png", "-o", "\(folder)/out.png", "--bicubic", "--quiet"])
            #expect(run.status == 0, "\(run.error)")
            #expect(try readImage("\(folder)/out.png").width == 80)
        }
    }

    @Test("every instruction set of this machine, every sampler", arguments: InstructionSet.available)
    func instructionSets(name: InstructionSet) throws {
        for (sampler, expected) in Self.imageSHA256 where sampler.isEmpty || Self.takesEverySampler(name) {
            let found = try hash(sampler, threads: 2, instructionSet: name)
            #expect(found == expected, "\(sampler)")
        }
    }

    @Test("every number of threads", arguments: [1, 2, 3, 8])
    func threads(count: Int) throws {
        let found = try hash(threads: count)
        #expect(found == Self.imageSHA256[""])
    }

    #if arch(x86_64)
    @Test(
        "processors with SSE 4.2 and with AVX2 alone, emulated",
        .enabled(if: FileManager.default.fileExists(atPath: emulator), "qemu-user-static is not installed"),
        arguments: ["Nehalem", "Haswell"])
    func emulated(processor: String) throws {
        let found = try hash(threads: 2, emulating: processor)
        #expect(found == Self.imageSHA256[""])
    }
    #endif
}
