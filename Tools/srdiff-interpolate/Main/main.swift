import InterpolateTool
import ToolSupport

InterpolateTool.command.runTool()
