import SRDiff

let arguments = CommandLine.arguments
let upscaler = try Upscaler(modelAt: arguments[1], options: .init(threads: 2))
let image = try Image(contentsOf: arguments[2])

/// Thrown by the progress closure to stop a run.
struct Stopped: Error {}

let deadline = ContinuousClock.now + .seconds(600)
let result = try upscaler.upscale(image, steps: 4, fidelity: Fidelity(0.7), seed: 7) { progress in
    print("\(progress.completedSteps) of \(progress.totalSteps) steps")
    if ContinuousClock.now > deadline { throw Stopped() }
}
try result.write(to: arguments[3])
