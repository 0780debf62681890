import Foundation
import SRDFile
import SRDiff
import TestSupport
import Testing
import ToolSupport

@Suite("Shards", .serialized)
struct ShardTests {
    @Test("each thing is in one shard, whatever the order of the list, and the shards are balanced")
    func division() {
        var random = SeededRandom(seed: SeededRandom.seed)
        for _ in 0..<50 {
            let count = Int.random(in: 0...60, using: &random), shards = Int.random(in: 1...9, using: &random)
            let things = (0..<count).map { (size: Int.random(in: 1...1000, using: &random), name: "image \($0)") }
            let shuffled = things.shuffled(using: &random)
            var found: [String] = [], loads: [Int] = []
            for index in 1...shards {
                let shard = Shard(argument: "\(index)/\(shards)")!
                let own = shard.divide(things).map { things[$0] }
                #expect(own.map(\.name) == shard.divide(shuffled).map { shuffled[$0].name })
                #expect(own.map(\.size) == own.map(\.size).sorted(by: >))
                found += own.map(\.name)
                loads.append(own.reduce(0) { $0 + $1.size })
            }
            #expect(Set(found) == Set(things.map(\.name)) && found.count == count)
            // Longest first: no shard exceeds another by more than one thing.
            #expect(loads.max()! - loads.min()! <= things.map(\.size).max() ?? 0)
        }
    }

    @Test("I/N", arguments: ["", "1", "0/2", "3/2", "1/0", "-1/2", "1/2/3", "1/100001", "a/b", "1/ 2"])
    func wrongShares(_ argument: String) { #expect(Shard(argument: argument) == nil) }

    private func summary(_ folder: String) throws -> (status: Int32, values: [String: Any]) {
        let run = try ToolRun("srdiff-upscale", ["--summary", folder, "--json"])
        return (
            run.status, try #require(JSONSerialization.jsonObject(with: run.output) as? [String: Any], "\(run.error)")
        )
    }

    @Test("shards give the files of one run, a restart does only what is missing, and the summary merges them")
    func run() throws {
        try withTinyModel { folder, options in
            let photos = "\(folder)/photos", out = "\(folder)/out"
            try makeFolder("\(photos)/sub")
            for i in 0..<7 { try Image.random(4 + i, 5 + i % 3).write(to: "\(photos)/\(i).png") }
            try Image.random(9, 9).write(to: "\(photos)/sub/7.png")
            try write("no image".utf8, to: "\(photos)/broken.png")
            let all = [photos, "--recursive"] + options
            #expect(try ToolRun("srdiff-upscale", all + ["-o", "\(folder)/whole"]).status == 1)
            func shard(_ i: Int, node: String) throws -> ToolRun {
                try ToolRun(
                    "srdiff-upscale", all + ["-o", out, "--shard", "\(i)/3"], environment: ["SRDIFF_NODE": node])
            }
            var failures = 0
            for i in [2, 1] { failures += Int(try shard(i, node: "a").status) }
            var (status, values) = try summary(out)
            #expect(status == 1 && values["notBegun"] as? [Int] == [3] && values["shards"] as? Int == 3)
            failures += Int(try shard(3, node: "b").status)
            #expect(failures == 1)  // the broken file belongs to one shard

            (status, values) = try summary(out)
            #expect(status == 1 && values["done"] as? Int == 8 && (values["missing"] as? [Any])?.isEmpty == true)
            let failed = values["failed"] as? [[String: String]]
            #expect(
                failed?.count == 1 && failed?[0]["input"]?.hasSuffix("broken.png") == true
                    && failed?[0]["reason"]?.contains("not an image") == true)
            let nodes = values["nodes"] as? [[String: Any]]
            #expect(nodes?.compactMap { $0["node"] as? String } == ["a", "b"])
            #expect(nodes?.reduce(0) { $0 + ($1["images"] as? Int ?? 0) } == 8)
            for name in try list("\(folder)/whole") where name != "sub" {
                #expect(try contents("\(folder)/whole/\(name)") == contents("\(out)/\(name)"))
            }
            #expect(try contents("\(folder)/whole/sub/7_x4.png") == contents("\(out)/sub/7_x4.png"))

            // A result is lost, and a line cut short: the restart makes that one alone.
            try FileManager.default.removeItem(atPath: "\(out)/3_x4.png")
            try FileManager.default.removeItem(atPath: "\(photos)/broken.png")
            (_, values) = try summary(out)
            #expect(values["missing"] as? [String] == ["3_x4.png"])
            for i in 1...3 {
                let log = try FileHandle(forWritingTo: URL(fileURLWithPath: "\(out)/.srdiff/shard-\(i)-of-3.jsonl"))
                try log.seekToEnd()
                try log.write(contentsOf: Data("{\"status\": \"writ".utf8))
                try log.close()
                #expect(try shard(i, node: "c").status == 0)
            }
            (_, values) = try summary(out)
            #expect(values["done"] as? Int == 8 && values["repeated"] as? Int == 1)
            let last = (values["nodes"] as? [[String: Any]])?.last
            #expect(last?["node"] as? String == "c" && last?["images"] as? Int == 1)
            let text = try ToolRun("srdiff-upscale", ["--summary", out])
            #expect(
                text.text.contains("9 results in 3 shards: 8 done, 0 missing, 1 failed") && text.status == 1,
                "\(text.text)")
        }
    }

    @Test("two machines on one shard do no harm")
    func twice() throws {
        try withTinyModel { folder, options in
            try makeFolder("\(folder)/photos")
            for i in 0..<4 { try Image.random(20, 20 + i).write(to: "\(folder)/photos/\(i).png") }
            let arguments = ["\(folder)/photos", "-o", "\(folder)/out", "--shard", "1/1"] + options
            let run = try ToolRun.shell(
                "\"$0\" \"$@\" & \"$0\" \"$@\"; a=$?; wait $!; exit $((a + $?))", "srdiff-upscale", arguments)
            #expect(run.status == 0, "\(run.error)")
            #expect(try list("\(folder)/out") == [".srdiff", "0_x4.png", "1_x4.png", "2_x4.png", "3_x4.png"])
            let (status, values) = try summary("\(folder)/out")
            #expect(status == 0 && values["done"] as? Int == 4)

            // Both find no log when they begin at the same time, and write the plan twice.
            let log = "\(folder)/out/.srdiff/shard-1-of-1.jsonl"
            let text = try String(contentsOfFile: log, encoding: .utf8)
            let plan = text.split(separator: "\n").filter { $0.contains("planned") }.joined(separator: "\n") + "\n"
            try (plan + text).write(toFile: log, atomically: true, encoding: .utf8)
            let (again, counts) = try summary("\(folder)/out")
            #expect(again == 0 && counts["done"] as? Int == 4)
        }
    }

    @Test("usage errors, and a folder without logs")
    func errors() throws {
        try withTinyModel { folder, options in
            try makeFolder("\(folder)/photos")
            try Image.random(4, 4).write(to: "\(folder)/photos/a.png")
            for arguments in [
                ["\(folder)/photos", "--shard", "1/2"],
                ["\(folder)/photos/a.png", "--shard", "1/2", "-o", "\(folder)/out/"],
                ["\(folder)/photos", "-", "--shard", "1/2", "-o", "\(folder)/out"],
                ["--summary", folder, "\(folder)/photos"], [],
            ] {
                let run = try ToolRun("srdiff-upscale", arguments + options)
                #expect(run.status == 2, "\(arguments): \(run.status) \(run.error)")
            }
            let none = try ToolRun("srdiff-upscale", ["--summary", folder])
            #expect(none.status == 1 && none.error.contains("--shard first"), "\(none.error)")
            for i in [1, 2] {
                #expect(
                    try ToolRun(
                        "srdiff-upscale", ["\(folder)/photos", "-o", "\(folder)/out", "--shard", "1/\(i)"] + options
                    ).status == 0)
            }
            let mixed = try ToolRun("srdiff-upscale", ["--summary", "\(folder)/out"])
            #expect(mixed.status == 1 && mixed.error.contains("logs of 1 and of 2 shards"), "\(mixed.error)")
        }
    }
}
