import Foundation
import Testing
import SRDFile
import SRDiff
import TestSupport

/// One image from the shipped model, the same on every machine. A new model has new hashes: the failures say which.
@Suite("Same bytes on every processor", .serialized)
struct SameBytesTests {
    static let modelSHA256 = "0540bcb605be22c9210a76e8c34ab411af7246508a09397a38439ae8f1cae150"
    /// Hashes of PPM files, because the bytes of PNG also depend on zlib's version, by the options that choose the
    /// sampler. No option is the model's own schedule.
    static let imageSHA256 = [
        "": "dc6cd3d3ddc30291fbdc2e1a7cd8b7ac433e0ea34ad4a250fd00e14a5b67ba9c",
        "--sampler ddpm": "ae742f660c6e68087ae22652e445aa1252415c443c2b36f80caf6561b4253b48",
        "--sampler ddim": "c35772ed63333fce9ac156264a3cfad8f28f017ebb0790bb87d106fe38ddca03",
        "--sampler ddim --eta 0.5 --spacing quadratic":
            "fbd641fb3548657221df0a09dc67e4f13b24956048cecb89845b88531c9e2271",
        "--sampler dpm++2m": "7e38b2b35504a9d8b9b14c528207a7703c209e2fb779576a8fd7f4103a075690",
        "--sampler dpm++2m-sde --spacing logsnr": "3f90f201a593bf3f2054b4a17454940842a67608c105f5b0e11687d32aef05da",
        "--sampler unipc": "415c08623ebf6b8fd0433506582f658b49fd1e33a7a31684033ac78bb3ebb1ef",
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
            width: 20, height: 14, channels: 3, bitDepth: 8,
            samples: (0..<20 * 14 * 3).map { _ in .random(in: 0...255, using: &random) })
    }

    private func hash(
        _ sampler: String = "", threads: Int, instructionSet: InstructionSet? = nil, emulating processor: String? = nil
    ) throws -> String {
        try withTemporaryFolder { folder in
            try image().write(to: "\(folder)/in.png")
            var arguments =
                [
                    "\(folder)/in.png", "-o", "\(folder)/out.ppm", "--steps", sampler.isEmpty ? "2" : "4", "--seed",
                    "7", "--threads", "\(threads)", "--quiet",
                    "--model", Self.package.appendingPathComponent("Models/edge.int8.safetensors").path,
                ] + sampler.split(separator: " ").map(String.init)
            var tool = "srdiff-upscale"
            if let processor {
                arguments = ["-cpu", processor, ToolRun.folder.appendingPathComponent(tool).path] + arguments
                tool = Self.emulator
            }
            let run = try ToolRun(
                tool, arguments, environment: instructionSet.map { ["SRDIFF_CPU": $0.rawValue] } ?? [:])
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
            let run = try ToolRun(
                "srdiff-upscale", ["\(folder)/in.png", "-o", "\(folder)/out.png", "--bicubic", "--quiet"])
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
