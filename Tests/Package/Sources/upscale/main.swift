import SRDiff

let arguments = CommandLine.arguments
let upscaler = try Upscaler(modelAt: arguments[1])  // threads, instruction set, steps: defaults
let image = try Image(contentsOf: arguments[2])
let result = try upscaler.upscale(image, seed: 0) { progress in print(progress.fractionCompleted) }
try result.write(to: arguments[3])
