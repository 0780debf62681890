import Foundation
import Testing
import SRDFile
import SRDiff
import TestSupport

/// One image from the shipped model, the same on every machine. A new model has new hashes: the failures say which.
@Suite("Same bytes on every processor", .serialized)
struct SameBytesTests {
    static let modelSHA256 = "6d7a9c6ff46943da769d75209c1efd0f39871a34678fab36b698ce6cb99127f8"
    /// Of the PPM: a PNG's bytes depend on zlib's version too. By the options that choose the sampler; none is the model's own schedule.
    static let imageSHA256 = [
        "": "024ad22e7d2fa056af2a7391298deeae49c25aba6411eaab0d01b520ac8cd96c",
        "--sampler ddpm": "de831220e50945ba6bf3857bfc4a53cdb131fc8dd9138bd099af65376509e2c6",
        "--sampler ddim": "ac3fa8c7eef895d694dcdcdd5cc69ba4135deb773b0c72760bc1f887c8cfea44",
        "--sampler ddim --eta 0.5 --spacing quadratic": "4bc7dc124b7f853de2ba9155a4523b4de19961ea276717072b1cdc0b6892d3a5",
        "--sampler dpm++2m": "f6575864042f76a6496951166c5f8c02cd8d3bc1d8b0f52b290c740d417f3459",
        "--sampler dpm++2m-sde --spacing logsnr": "1720de443c24011bf9d6bea5d5fc4d86ec1a8f0a2a45fdbefb6eb21aee450a6b",
        "--sampler unipc": "79b8e2875a67942cc1dfc854e99884ca2a7a7e185d196c5db2dd3801a84e37ea"
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
                "\(folder)/in.png", "-o", "\(folder)/out.ppm", "--steps", "4", "--seed", "7", "--threads", "\(threads)", "--quiet",
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
