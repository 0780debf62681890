import InspectTool
import ToolSupport

InspectTool.command.runTool()
