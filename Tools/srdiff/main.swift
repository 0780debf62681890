import ToolSupport

// `srdiff-upscale` (a link to this program) and `srdiff upscale` run the same tool.
let arguments = CommandLine.arguments
let name = arguments.first?.split(separator: "/").last ?? ""
if let tool = Toolbox.tool(named: String(name)) { tool.runTool() }
if arguments.count > 1, let tool = Toolbox.tool(named: Toolbox.prefix + arguments[1]) { tool.runTool(from: 2) }
Overview.runTool()
