import EvaluateTool
import ToolSupport

EvaluateTool.command.runTool()
