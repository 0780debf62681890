import Foundation
import Testing
import SRDiff
import TestSupport

@Suite("srdiff-bench", .serialized)
struct BenchTests {
    private func object(_ run: ToolRun) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: run.output) as? [String: Any])
    }

    @Test("measures every configuration asked for")
    func measures() throws {
        try withTemporaryFolder { folder in
            try TinyModel.write(to: "\(folder)/tiny.safetensors")
            let run = try ToolRun(
                "srdiff-bench",
                [
                    "--model", "\(folder)/tiny.safetensors", "--size", "32,48x24", "--threads", "1,2", "--steps", "2",
                    "--repeat", "2",
                    "--format", "json",
                ])
            #expect(run.status == 0, "\(run.error)")
            let results = try #require(try object(run)["results"] as? [[String: Any]])
            #expect(results.map { $0["size"] as? String } == ["32x32", "32x32", "48x24", "48x24"])
            #expect(results.map { $0["threads"] as? Int } == [1, 2, 1, 2])
            for result in results {
                let least = try #require(result["ms_per_step_min"] as? Double),
                    median = try #require(result["ms_per_step_median"] as? Double)
                #expect(least > 0 && least <= median)
                #expect(
                    result["ms_per_step_sd"] is Double && result["peak_rss_mib"] is Double && result["cpu"] is String)
                #expect(result["peak_share"] is NSNull, "float arithmetic has no int8 peak")
            }
        }
    }

    @Test("an int8 model's share of the peak, and its layers")
    func layers() throws {
        let run = try ToolRun(
            "srdiff-bench",
            ["--size", "32", "--threads", "1", "--steps", "1", "--repeat", "1", "--layers", "--format", "json"])
        #expect(run.status == 0, "\(run.error)")
        let report = try object(run)
        let result = try #require((report["results"] as? [[String: Any]])?.first)
        let share = try #require(result["peak_share"] as? Double)
        #expect(share > 0 && share < 4)  // Winograd needs a quarter of the products that count
        let layers = try #require(report["layers"] as? [[String: Any]])
        let shares = layers.compactMap { $0["share"] as? Double }
        #expect(layers.count > 30 && abs(shares.reduce(0, +) - 1) < 1e-6)
    }

    @Test("kernels, as a spreadsheet takes them")
    func kernels() throws {
        let run = try ToolRun(
            "srdiff-bench", ["kernels", "--cpu", "all", "--width", "32", "--repeat", "1", "--format", "csv"])
        #expect(run.status == 0, "\(run.error)")
        let lines = run.text.split(separator: "\n").map { $0.split(separator: ",", omittingEmptySubsequences: false) }
        let heading = try #require(lines.first)
        #expect(heading.contains("gmac_per_s") && lines.allSatisfy { $0.count == heading.count })
        #expect(Set(lines.dropFirst().map { String($0[0]) }) == Set(InstructionSet.available.map(\.rawValue)))
    }

    @Test("a whole job takes at least as long as its parts, and leaves no file")
    func job() throws {
        try withTemporaryFolder { folder in
            try TinyModel.write(to: "\(folder)/tiny.safetensors")
            try Image.random(8, 6).write(to: "\(folder)/small.png")
            let run = try ToolRun(
                "srdiff-bench",
                [
                    "job", "\(folder)/small.png", "--model", "\(folder)/tiny.safetensors", "--steps", "3", "--threads",
                    "1,2", "--repeat", "2",
                    "--format", "json",
                ], environment: ["TMPDIR": folder])
            #expect(run.status == 0, "\(run.error)")
            let results = try #require(try object(run)["results"] as? [[String: Any]])
            for threads in [1, 2] {
                let parts = results.filter { $0["threads"] as? Int == threads }
                let times = try parts.map { try #require($0["ms_first"] as? Double) }
                #expect(times.allSatisfy { $0 >= 0 } && parts.count == 11)
                #expect(parts.last?["part"] as? String == "whole job" && times.last! >= times.dropLast().max()!)
            }
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == [
                    "small.png", "tiny.safetensors",
                ])
        }
    }

    @Test(
        "usage errors exit 2 and say why",
        arguments: [
            ["--size", "0"], ["--size", "64x"], ["--threads", "0"], ["--threads", "1,"], ["--cpu", "mmx"],
            ["--random", "huge"], ["--float"],
            ["--steps", "0"], ["--steps", "101"], ["--format", "xml"], ["kernels", "--width", "0"], ["job"],
            ["job", "x.png", "--threads", "0"],
        ])
    func refuses(arguments: [String]) throws {
        let run = try ToolRun("srdiff-bench", arguments)
        #expect(run.status == 2 && !run.error.isEmpty, "\(run.status) \(run.error)")
    }
}
