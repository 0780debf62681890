import QuantizeTool
import ToolSupport

QuantizeTool.command.runTool()
