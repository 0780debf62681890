import Foundation
import SRDiff
import TestSupport
import Testing

/// `srdiff`, which contains all tools and takes the name it is started by.
struct OneProgramTests {
    static let tools = ["upscale", "join", "interpolate", "fuse", "quantize", "evaluate", "inspect", "bench"]

    @Test func listsItsTools() throws {
        let help = try ToolRun("srdiff", ["--help"])
        #expect(help.status == 0)
        let listed = help.text.matches(of: /\n  ([a-z]+) +[a-z]/).map { String($0.1) }
        #expect(listed == Self.tools)
    }

    @Test(arguments: tools)
    func isEachToolByEveryName(_ tool: String) throws {
        let own = try ToolRun("srdiff-\(tool)", ["--help"])
        #expect(own.status == 0 && own.text.contains("USAGE: srdiff-\(tool) "))
        #expect(try ToolRun("srdiff", [tool, "--help"]).output == own.output)
        try withTemporaryFolder { folder in
            let link = "\(folder)/srdiff-\(tool)", program = ToolRun.folder.appendingPathComponent("srdiff").path
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: program)
            for option in ["--help", "--experimental-dump-help", "--no-such-option"] {
                let expected = try ToolRun("srdiff-\(tool)", [option]), linked = try ToolRun(link, [option])
                #expect(linked.status == expected.status && linked.error == expected.error)
                #expect(linked.output == expected.output)
            }
        }
    }

    @Test func upscalesToTheSameFile() throws {
        try withTinyModel { folder, options in
            let image = "\(folder)/image.png"
            try Image.random(12, 9).write(to: image)
            for (program, first) in [("srdiff", ["upscale"]), ("srdiff-upscale", [])] {
                let run = try ToolRun(program, first + [image, "-o", "\(folder)/\(program).png"] + options)
                #expect(run.status == 0, "\(run.error)")
            }
            #expect(try contents("\(folder)/srdiff.png") == contents("\(folder)/srdiff-upscale.png"))
        }
    }

    @Test func namesTheToolsInAUsageError() throws {
        for arguments in [["enlarge"], ["srdiff-upscale"], ["--", "upscale"]] {
            let run = try ToolRun("srdiff", arguments)
            #expect(run.status == 2 && run.error.contains("there is no tool") && run.error.contains("upscale, join"))
        }
        let run = try ToolRun("srdiff", [])
        #expect(run.status == 2 && run.error.contains("`srdiff --help` shows usage."))
    }
}
