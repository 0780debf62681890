import BenchTool
import ToolSupport

BenchTool.command.runTool()
