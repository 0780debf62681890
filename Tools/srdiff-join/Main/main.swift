import JoinTool
import ToolSupport

JoinTool.command.runTool()
