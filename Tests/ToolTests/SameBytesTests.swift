import Foundation
import Testing
import SRDFile
import SRDImage
import SRDInt8
import TestSupport

/// One picture from the shipped model, the same on every machine. A new model has new hashes: the failures say which.
@Suite("Same bytes on every processor", .serialized)
struct SameBytesTests {
    static let modelSHA256 = "6d7a9c6ff46943da769d75209c1efd0f39871a34678fab36b698ce6cb99127f8"
    /// Of the PPM: a PNG's bytes depend on zlib's version too. By the options that choose the sampler; none is the model's own schedule.
    static let pictureSHA256 = [
        "": "b587c5b3f25647c11e9ad7930c67dce353addc47a5838479b3aef7c652ebfdc3",
        "--sampler ddpm": "eadffd2277a70afe27dcdd8246fed0aa12ab62c95556bc8210671a186d45be65",
        "--sampler ddim": "7caf9cd459876c59c1d16ba36e4a6f0b14d727c08d8a297c1aa3a755044a1940",
        "--sampler ddim --eta 0.5 --spacing quadratic": "0d5312c4198a91900c7ecb80f894937a40dab4851be8d70ff413547388ac7fa7",
        "--sampler dpm++2m": "93a7b254794d6093504d438b455704da12b61261d7cacf6ccfbd079eb46b6f6a",
        "--sampler dpm++2m-sde --spacing logsnr": "8545c224aac58cec1b4539ee942161db935fde93dd17da74a859b90f8b10408b",
        "--sampler unipc": "0bd5164592537f9e2146430c2651a2463f54b02ff7f85caf77349fb89c0aa3a7"
    ]

    static let package = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    static let emulator = "/usr/bin/qemu-x86_64-static"

    /// All of x86's; of ARM's the fastest alone, which an emulator runs in seconds.
    private static func takesEverySampler(_ instructionSet: String) -> Bool {
        #if arch(x86_64)
        true
        #else
        instructionSet == Int8Executor.instructionSets.last
        #endif
    }

    /// 20 × 14 pixels, their shades all different from their neighbours'.
    private func picture() -> Picture {
        var random = SeededRandom(seed: 20_141)
        return Picture(
            width: 20, height: 14, channels: 3, bitDepth: 8, samples: (0..<20 * 14 * 3).map { _ in .random(in: 0...255, using: &random) })
    }

    private func hash(
        _ sampler: String = "", threads: Int, instructionSet: String? = nil, emulating processor: String? = nil
    ) throws -> String {
        try withTemporaryFolder { folder in
            try picture().write(to: "\(folder)/in.png")
            var arguments = [
                "\(folder)/in.png", "-o", "\(folder)/out.ppm", "--steps", "4", "--seed", "7", "--threads", "\(threads)", "--quiet",
                "--model", Self.package.appendingPathComponent("Models/edge.int8.safetensors").path
            ] + sampler.split(separator: " ").map(String.init)
            var tool = "srdiff-upscale"
            if let processor {
                arguments = ["-cpu", processor, ToolRun.folder.appendingPathComponent(tool).path] + arguments
                tool = Self.emulator
            }
            let run = try ToolRun(tool, arguments, environment: instructionSet.map { ["SRDIFF_CPU": $0] } ?? [:])
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
            try picture().write(to: "\(folder)/in.png")
            let run = try ToolRun("srdiff-upscale", ["\(folder)/in.png", "-o", "\(folder)/out.png", "--bicubic", "--quiet"])
            #expect(run.status == 0, "\(run.error)")
            #expect(try readPicture("\(folder)/out.png").width == 80)
        }
    }

    @Test("every instruction set of this machine, every sampler", arguments: Int8Executor.instructionSets)
    func instructionSets(name: String) throws {
        for (sampler, expected) in Self.pictureSHA256 where sampler.isEmpty || Self.takesEverySampler(name) {
            let found = try hash(sampler, threads: 2, instructionSet: name)
            #expect(found == expected, "\(sampler)")
        }
    }

    @Test("every number of threads", arguments: [1, 2, 3, 8])
    func threads(count: Int) throws {
        let found = try hash(threads: count)
        #expect(found == Self.pictureSHA256[""])
    }

    #if arch(x86_64)
    @Test(
        "processors with SSE 4.2 and with AVX2 alone, emulated",
        .enabled(if: FileManager.default.fileExists(atPath: emulator), "qemu-user-static is not installed"),
        arguments: ["Nehalem", "Haswell"])
    func emulated(processor: String) throws {
        let found = try hash(threads: 2, emulating: processor)
        #expect(found == Self.pictureSHA256[""])
    }
    #endif
}
