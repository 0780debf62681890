import ToolSupport
import UpscaleTool

UpscaleTool.command.runTool()
