import SRDMetrics
import SRDiff

let arguments = CommandLine.arguments
let upscaler = try Upscaler(modelAt: arguments[1])
let original = try Image(contentsOf: arguments[2])
let low = original.resized(by: 1, over: upscaler.scale)

let result = try upscaler.upscale(low, seed: 0)
print("PSNR", ImageMetrics.psnr(result, original))
print("PSNR of bicubic", ImageMetrics.psnr(low.resized(by: upscaler.scale), original))
print("LR-PSNR", ImageMetrics.lowResolutionPSNR(of: result, from: low))
