// srdiff-fuzz TARGET [libFuzzer options] [corpus folder…]   searches for inputs that break a target
// srdiff-fuzz --seeds FIXTURES FOLDER                       writes the seed corpus of each target to FOLDER/TARGET
import FuzzTargets
import Glibc
import SRDFile

/// libFuzzer's entry for programs with a `main` of their own.
@_silgen_name("LLVMFuzzerRunDriver")
private func runFuzzer(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ body: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

private func stop(_ message: String) -> Never {
    let line = Array("srdiff-fuzz: \(message)\n".utf8)
    _ = write(2, line, line.count)
    exit(2)
}

private func writeSeeds(fixtures: String, folder: String) throws {
    for target in FuzzTarget.allCases {
        let place = "\(folder)/\(target.rawValue)"
        guard FilePath.makeFolder(folder), FilePath.makeFolder(place) else { stop("cannot make \(place)") }
        for (i, seed) in try target.seeds(fixtures: fixtures).enumerated() {
            try FileOutput.write(atomically: [seed], to: "\(place)/seed-\(i)")
        }
    }
}

// libFuzzer's callback takes no context.
nonisolated(unsafe) private var target = FuzzTarget.png

let words = CommandLine.arguments
if words.count == 4, words[1] == "--seeds" {
    do { try writeSeeds(fixtures: words[2], folder: words[3]) } catch { stop("\(error)") }
    exit(0)
}
guard words.count > 1, let chosen = FuzzTarget(rawValue: words[1]) else {
    stop("the first argument is one of \(FuzzTarget.allCases.map(\.rawValue).joined(separator: ", "))")
}
target = chosen
// Without the target's name: libFuzzer would take it for a corpus.
var arguments = CommandLine.unsafeArgv + 1
arguments[0] = CommandLine.unsafeArgv[0]
var count = CommandLine.argc - 1
exit(
    runFuzzer(&count, &arguments) { start, count in
        do throws(Violation) {
            try target.run(UnsafeRawBufferPointer(start: start, count: count))
        } catch {
            fatalError("\(target.rawValue): \(error)")
        }
        return 0
    })
