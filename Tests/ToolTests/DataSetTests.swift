import Foundation
import SRDFile
import SRDiff
import TestSupport
import Testing

/// Images that tools measure and calibrate on.
@Suite("Data sets", .serialized)
struct DataSetTests {
    private func withImages<Result>(_ body: (_ folder: String, _ arguments: [String]) throws -> Result) throws -> Result
    {
        try withTinyModel { folder, _ in
            try makeFolder("\(folder)/photos")
            for name in ["0001", "0002", "0003"] {
                try Image.waves(64, 48, phase: Int(name)!).write(to: "\(folder)/photos/\(name).png")
            }
            return try body(
                folder,
                [
                    "\(folder)/tiny.safetensors", "--images", "\(folder)/photos", "--steps", "2", "--save-images",
                    "\(folder)/kept", "--json",
                ])
        }
    }

    private func json(_ run: ToolRun) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: run.output) as? [String: Any], "\(run.error)")
    }

    @Test("srdiff-evaluate reports images that cannot be measured, measures the others, and exits 1")
    func failures() throws {
        try withImages { folder, arguments in
            try write("no image".utf8, to: "\(folder)/photos/0002.png")
            try Image.random(3, 2).write(to: "\(folder)/photos/0000.png")
            let run = try ToolRun("srdiff-evaluate", arguments)
            #expect(
                run.status == 1 && run.error.contains("0002.png: not an image")
                    && run.error.contains("0000.png: smaller than 4×4"), "\(run.error)")
            #expect(run.error.contains("2 of 4 images failed"))
            let document = try json(run)
            #expect(
                (document["images"] as? [[String: Any]])?.compactMap { $0["name"] as? String } == ["0001", "0003"])
            #expect((document["failed"] as? [[String: Any]])?.count == 2)
            for name in ["0001", "0003"] { try FileManager.default.removeItem(atPath: "\(folder)/photos/\(name).png") }
            let none = try ToolRun("srdiff-evaluate", arguments)
            #expect(none.status == 1 && none.error.contains("none of the images"), "\(none.error)")
        }
    }

    @Test(
        "low-resolution images are found under the names of data sets",
        arguments: [
            ("", "x4"), ("", "_x4"), ("", ""), ("HR", "LR"), ("_HR", "_LR4"), ("_SRF_4_HR", "_SRF_4_LR"), ("", "X4/x4"),
        ])
    func names(highEnding: String, lowEnding: String) throws {
        try withImages { folder, arguments in
            let isInFolder = lowEnding.hasPrefix("X4/"), low = "\(folder)/low"
            try makeFolder("\(low)/X4")
            for name in ["0001", "0002", "0003"] {
                let image = try readImage("\(folder)/photos/\(name).png"), ending = isInFolder ? "x4" : lowEnding
                try image.resized(by: 1, over: 4).write(to: "\(low)/\(isInFolder ? "X4/" : "")\(name)\(ending).png")
                if !highEnding.isEmpty {
                    try FileManager.default.moveItem(
                        atPath: "\(folder)/photos/\(name).png", toPath: "\(folder)/photos/\(name)\(highEnding).png")
                }
            }
            let run = try ToolRun("srdiff-evaluate", arguments + ["--lr", low])
            #expect(run.status == 0, "\(run.error)")
            #expect(try (json(run)["images"] as? [Any])?.count == 3)
        }
    }

    @Test("srdiff-quantize warns of few and of flat calibration images, and not of good ones")
    func calibration() throws {
        try withTinyModel { folder, _ in
            let noise = "\(folder)/noise", flat = "\(folder)/flat"
            try makeFolder(noise)
            try makeFolder(flat)
            for i in 0..<5 {
                try Image.random(40, 40).write(to: "\(noise)/\(i).png")
                let black = [UInt16](repeating: 0, count: 40 * 40 * 3)
                try Image(width: 40, height: 40, channels: 3, bitDepth: 8, samples: black).write(to: "\(flat)/\(i).png")
            }
            func errors(_ images: String) throws -> String {
                let run = try ToolRun(
                    "srdiff-quantize",
                    [
                        "\(folder)/tiny.safetensors", "-o", "\(folder)/out.safetensors", "--overwrite", "--calibration",
                        images,
                    ])
                #expect(run.status == 0, "\(run.error)")
                return run.error
            }
            #expect(try !errors(noise).contains("warning"))
            #expect(try errors("\(noise)/0.png").contains("warning: only 1 calibration image "))
            let message = try errors(flat)
            #expect(
                message.contains("warning: 5 of 5 calibration patches are nearly flat") && !message.contains("only"),
                "\(message)")
        }
    }
}
