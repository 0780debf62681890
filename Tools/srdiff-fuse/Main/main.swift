import FuseTool
import ToolSupport

FuseTool.command.runTool()
