#if arch(x86_64)  // an emulator counts its own memory
    import Foundation
    import FuzzTargets
    import SRDiff
    import TestSupport
    import Testing

    /// The promise of every tool for a file below 1 MB: at most 256 MB, or 1.2 times the announced memory, and 5 s of
    /// processor time until an error.
    @Suite("Hostile files in every tool", .serialized)
    struct HostileMemoryTests {
        /// Runs of a tool in which HOSTILE stands for the file.
        struct Reader: CustomTestStringConvertible, Sendable {
            let arguments: [String]
            var testDescription: String { arguments.joined(separator: " ") }

            init(_ text: String) { arguments = text.split(separator: " ").map(String.init) }
        }

        static let imageReaders = [
            "srdiff-upscale HOSTILE -o out.png --overwrite --model tiny.safetensors --steps 1",
            "srdiff-fuse HOSTILE HOSTILE --box 0,0,4,4 -o out.png --overwrite --model tiny.safetensors --steps 2",
            "srdiff-fuse a.png HOSTILE --box 0,0,4,4 --from 0,0 -o out.png --overwrite --model tiny.safetensors "
                + "--steps 2",
            "srdiff-fuse HOSTILE HOSTILE --mask HOSTILE -o out.png --overwrite --model tiny.safetensors --steps 2",
            "srdiff-interpolate HOSTILE HOSTILE --frames 2 -o frames --overwrite --model tiny.safetensors --steps 1",
            "srdiff-interpolate a.png a.png --low HOSTILE --frames 2 -o frames --overwrite --model tiny.safetensors "
                + "--steps 1",
            "srdiff-evaluate tiny.safetensors --images HOSTILE --steps 1",
            "srdiff-quantize tiny.safetensors --calibration HOSTILE -o out.int8.safetensors --overwrite",
            "srdiff-quantize tiny.safetensors --lr HOSTILE -o out.int8.safetensors --overwrite",
            "srdiff-join HOSTILE -o joined.png --overwrite",
        ].map { Reader($0) }

        static let modelReaders = [
            "srdiff-upscale a.png -o out.png --overwrite --model HOSTILE --steps 1",
            "srdiff-fuse a.png a.png --box 0,0,4,4 -o out.png --overwrite --model HOSTILE --steps 2",
            "srdiff-interpolate a.png a.png --frames 2 -o frames --overwrite --model HOSTILE --steps 1",
            "srdiff-evaluate HOSTILE --images a.png --steps 1",
            "srdiff-quantize HOSTILE --lr a.png -o out.int8.safetensors --overwrite",
            "srdiff-quantize tiny.safetensors --recipe HOSTILE --lr a.png -o out.int8.safetensors --overwrite",
            "srdiff-bench --model HOSTILE --size 8 --steps 1 --repeat 1",
            "srdiff-inspect HOSTILE",
        ].map { Reader($0) }

        /// `SRD_HOSTILE=all` runs every file. `SRD_HOSTILE=FOLDER` runs the files of the fuzzer's corpus in
        /// FOLDER/TARGET too.
        private static let request = ProcessInfo.processInfo.environment["SRD_HOSTILE"]

        /// One file in 24 without a request.
        private static func files(_ targets: [FuzzTarget]) throws -> [(name: String, bytes: [UInt8])] {
            var files: [(name: String, bytes: [UInt8])] = []
            for target in targets {
                var found = try HostileFiles.variants(of: target)
                if let request, request != "all" {
                    for name in try list("\(request)/\(target.rawValue)").sorted() {
                        found.append([UInt8](try contents("\(request)/\(target.rawValue)/\(name)")))
                    }
                }
                for (i, bytes) in found.enumerated() where request != nil || i % 24 == 0 {
                    files.append(("\(target.rawValue)-\(i)", bytes))
                }
            }
            return files
        }

        private func check(_ reader: Reader, _ files: [(name: String, bytes: [UInt8])]) throws {
            try withTemporaryFolder { folder in
                try TinyModel.write(to: "\(folder)/tiny.safetensors")
                try Image.random(32, 32).write(to: "\(folder)/a.png")
                var most = (memory: 0, file: ""), longest = (seconds: 0.0, file: ""), rejected = 0
                for file in files {
                    let path = "\(folder)/\(file.name)"
                    try #require(file.bytes.count < 1_000_000, "\(file.name)")
                    try write(file.bytes, to: path)
                    defer { try? FileManager.default.removeItem(atPath: path) }
                    let arguments = reader.arguments.dropFirst().map { word in
                        word == "HOSTILE"
                            ? path
                            : ["out.png", "a.png", "frames", "tiny.safetensors", "joined.png", "out.int8.safetensors"]
                                .contains(word) ? "\(folder)/\(word)" : word
                    }
                    let run = try MeasuredRun(reader.arguments[0], arguments, folder: folder)
                    let text =
                        "\(file.name): status \(run.status), \(run.memory >> 20) MiB, \(run.seconds) s, \(run.error)"
                    #expect(run.status == 0 || run.status == 1, "\(text)")
                    #expect(Double(run.memory) <= max(1.2 * Double(run.announced), 256e6), "\(text)")
                    if run.status != 0 {
                        rejected += 1
                        #expect(run.seconds < 5, "\(text)")
                        if run.seconds > longest.seconds { longest = (run.seconds, file.name) }
                    }
                    if run.memory > most.memory { most = (run.memory, file.name) }
                }
                print(
                    """
                    \(reader.arguments[0]): \(files.count) files, \(rejected) rejected; \
                    at most \(most.memory / 1_000_000) MB (\(most.file)), \
                    \((longest.seconds * 100).rounded() / 100) s before an error (\(longest.file))
                    """)
            }
        }

        @Test("images", arguments: imageReaders)
        func images(reader: Reader) throws {
            try check(reader, HostileFiles.images() + Self.files([.png, .pnm, .jpeg, .webp]))
        }

        @Test("models and checkpoints", arguments: modelReaders)
        func models(reader: Reader) throws {
            try check(reader, Self.files([.safetensors, .int8, .legacyPickle, .torchZip, .recipe]))
        }
    }
#endif
