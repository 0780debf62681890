import ArgumentParser
import BenchTool
import EvaluateTool
import FuseTool
import InspectTool
import InterpolateTool
import JoinTool
import QuantizeTool
import UpscaleTool

/// The tools of this program.
enum Toolbox {
    /// What the names of all tools begin with.
    static let prefix = "srdiff-"

    /// Commands, each with its purpose in one line.
    static var tools: [(command: any ParsableCommand.Type, purpose: String)] {
        [
            (UpscaleTool.command, "upscales images"),
            (JoinTool.command, "joins the parts of one large image"),
            (InterpolateTool.command, "goes from one sample or image to another, frame by frame"),
            (FuseTool.command, "blends a region of one image into another"),
            (QuantizeTool.command, "converts a float model to int8"),
            (EvaluateTool.command, "measures the quality of models, samplers and int8"),
            (InspectTool.command, "describes checkpoints and models, exports safetensors"),
            (BenchTool.command, "measures the speed of this machine"),
        ]
    }

    /// The tool with this full name, such as `srdiff-upscale`, or nil.
    static func tool(named name: String) -> (any ParsableCommand.Type)? {
        tools.first { $0.command._commandName == name }?.command
    }

    /// The tools' names without the prefix, as in `srdiff upscale`.
    static var shortNames: [String] { tools.map { String($0.command._commandName.dropFirst(prefix.count)) } }
}
