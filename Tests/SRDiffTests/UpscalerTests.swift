import Foundation
import SRDiff
import TestSupport
import Testing

@Suite("The library's entry point")
struct UpscalerTests {
    private func image(_ width: Int = 9, _ height: Int = 7) -> Image {
        var random = SeededRandom(seed: 5)
        return Image(
            width: width, height: height, channels: 3, bitDepth: 8,
            samples: (0..<width * height * 3).map { _ in .random(in: 0...255, using: &random) })
    }

    private func withModel<Result>(_ body: (String) throws -> Result) throws -> Result {
        try withTemporaryFolder { folder in
            try TinyModel.write(to: "\(folder)/tiny.safetensors")
            return try body("\(folder)/tiny.safetensors")
        }
    }

    @Test("an image file becomes an image file four times as large, and progress reaches 1")
    func files() throws {
        try withModel { model in
            let folder = (model as NSString).deletingLastPathComponent
            try image().write(to: "\(folder)/in.png")
            let upscaler = try Upscaler(modelAt: model)
            var fractions: [Double] = []
            let result = try upscaler.upscale(Image(contentsOf: "\(folder)/in.png"), steps: 4, seed: 3) {
                fractions.append($0.fractionCompleted)
            }
            try result.write(to: "\(folder)/out.png")
            #expect(fractions == [0.25, 0.5, 0.75, 1])
            let read = try Image(contentsOf: "\(folder)/out.png")
            #expect(read.width == 36 && read.height == 28 && read.samples == result.samples)
            #expect(
                read.metadata.texts.contains {
                    $0.keyword == RunSettings.keyword && $0.text?.contains("seed=3") == true
                })
        }
    }

    @Test("colours under transparent pixels do not matter, as in srdiff-upscale")
    func hiddenColors() throws {
        try withModel { model in
            var random = SeededRandom(seed: 6)
            var samples: [UInt16] = (0..<9 * 7 * 4).map { _ in .random(in: 0...255, using: &random) }
            for pixel in stride(from: 0, to: 9 * 7, by: 2) { samples[4 * pixel + 3] = 0 }
            let image = Image(width: 9, height: 7, channels: 4, bitDepth: 8, samples: samples)
            let upscaler = try Upscaler(modelAt: model)
            let result = try upscaler.upscale(image, steps: 2)
            #expect(try upscaler.upscale(image.withHiddenColorsFilled(), steps: 2).samples == result.samples)
        }
    }

    @Test("upscalers on several threads give what each gives alone")
    func parallel() throws {
        try withModel { model in
            let loaded = try LoadedModel.read(model), image = image(12, 12)
            let expected = try (0..<4).map {
                try Upscaler(loaded, options: .init(threads: 2)).upscale(image, steps: 3, seed: $0)
            }
            let results = Results(count: 4)
            DispatchQueue.concurrentPerform(iterations: 4) { i in
                results.set(
                    i, try? Upscaler(loaded, options: .init(threads: 2)).upscale(image, steps: 3, seed: UInt64(i)))
            }
            #expect(results.images == expected)
        }
    }

    private final class Results: @unchecked Sendable {  // guarded by the lock
        private let lock = NSLock()
        private(set) var images: [Image?]

        init(count: Int) { images = [Image?](repeating: nil, count: count) }

        func set(_ i: Int, _ image: Image?) { lock.withLock { images[i] = image } }
    }

    @Test("what cannot be done is an error, not a trap")
    func errors() throws {
        try withModel { model in
            let loaded = try LoadedModel.read(model), upscaler = try Upscaler(loaded)
            func message(_ body: () throws -> Void) -> String {
                do { try body() } catch let error as SRDiffError { return "\(error)" } catch {
                    return "another error: \(error)"
                }
                return "no error"
            }
            #expect(message { _ = try upscaler.upscale(image(), steps: 0) }.contains("0 steps (expected 1 to 20"))
            #expect(message { _ = try upscaler.upscale(image(), steps: 21) }.contains("21 steps (expected 1 to 20"))
            #expect(
                message { _ = try Upscaler(loaded, options: .init(threads: 0)) }.contains(
                    "0 threads (expected 1 to 1024)"))
            #expect(message { _ = try InstructionSet.named("mmx") }.contains("mmx (this machine has scalar"))
            let foreign = InstructionSet.allCases.first { !InstructionSet.available.contains($0) }
            #expect(
                message { _ = try Upscaler(loaded, options: .init(instructionSet: foreign)) }.contains(
                    "this machine has"))
            #expect(message { try MemoryEstimate.check(1 << 60, for: "an image") }.contains("1.00 EiB") == false)
            #expect(message { try MemoryEstimate.check(1 << 50, for: "an image") }.contains("requires about 1024 TiB"))
        }
        #expect(throws: (any Error).self) { try Upscaler(modelAt: "/nowhere/model.safetensors") }
    }

    @Test("a model without the encoder's layers gives no encoder image")
    func noEncoderImage() throws {
        try withTemporaryFolder { folder in
            var tensors = TinyModel.tensors()
            for name in tensors.keys
            where ["rrdb.upconv", "rrdb.HRconv", "rrdb.conv_last"].contains(where: name.hasPrefix) {
                tensors[name] = nil
            }
            try TinyModel.write(to: "\(folder)/tiny.safetensors", tensors)
            let upscaler = try Upscaler(modelAt: "\(folder)/tiny.safetensors")
            #expect(throws: SRDiffError.self) { try upscaler.encoderImage(image()) }
        }
    }

    @Test("an error from progress stops the run")
    func cancels() throws {
        struct Cancelled: Error {}
        try withModel { model in
            let upscaler = try Upscaler(modelAt: model)
            var steps = 0
            #expect(throws: Cancelled.self) {
                try upscaler.upscale(image(), steps: 5) { progress in
                    steps = progress.completedSteps
                    if steps == 2 { throw Cancelled() }
                }
            }
            #expect(steps == 2)
        }
    }
}

@Suite("Rows of a result")
struct RowTests {
    private func image(_ width: Int, _ height: Int) -> Image {
        var random = SeededRandom(seed: 5)
        return Image(
            width: width, height: height, channels: 3, bitDepth: 8,
            samples: (0..<width * height * 3).map { _ in .random(in: 0...255, using: &random) })
    }

    private func upscaler(_ configuration: Configuration = TinyModel.configuration) throws -> Upscaler {
        let model = try TinyModel.model(configuration)
        return try Upscaler(
            LoadedModel(path: "tiny", foundBy: "test", sha256: "", model: model), options: .init(threads: 1))
    }

    private let settings = SamplingSettings(schedule: .ancestral(steps: 2), seed: 1)

    @Test(
        "bands of rows are the whole result's rows, also in tiles that little memory forces; progress counts them all",
        arguments: [
            (12, 400, 40..<1560, ResultRegion(columns: 0..<48, rows: 800..<1180)),
            (400, 12, 8..<40, ResultRegion(columns: 800..<1200, rows: 8..<40)),
        ])
    func tiles(width: Int, height: Int, rows: Range<Int>, quarter: ResultRegion) throws {
        let upscaler = try upscaler(), low = image(width, height)
        let whole = try upscaler.upscale(low, steps: 2, seed: 1)
        /// What a tile and its band take.
        func memory(_ tile: ResultRegion) -> Int {
            MemoryEstimate.region(
                tile, of: upscaler.loaded.model, width: width, height: height, settings: settings, channels: 3)
                + width * 4 * tile.rows.count * 6
        }
        let all = memory(ResultRegion(columns: 0..<width * 4, rows: rows))
        for (memory, tiles) in [(all, 1), (all - 1, 2), (memory(quarter), 4)] {
            var samples: [UInt16] = [], last = (0, 0)
            try upscaler.upscale(low, rows: rows, settings: settings, memory: memory) {
                last = ($0, $1)
            } _: {
                #expect($0.width == width * 4)
                samples += $0.samples
            }
            #expect(samples == Array(whole.samples[rows.lowerBound * width * 12..<rows.upperBound * width * 12]))
            #expect(last == (2 * tiles, 2 * tiles), "\(tiles) tiles: \(last)")
        }
    }

    @Test("rows outside the result, attention and too little memory are errors that say so")
    func errors() throws {
        func message(_ rows: Range<Int>, _ configuration: Configuration = TinyModel.configuration, memory: Int? = nil)
            throws -> String
        {
            let upscaler = try upscaler(configuration)
            do {
                try upscaler.upscale(image(20, 20), rows: rows, settings: settings, memory: memory) { _ in }
                return ""
            } catch { return "\(error)" }
        }
        #expect(try message(0..<81).contains("rows 0:81 (expected rows within 0:80"))
        #expect(try message(5..<5).contains("at least one"))
        #expect(try message(0..<80, memory: 1000).contains("a tile of 64×64 pixels requires about"))
        var attention = TinyModel.configuration
        attention.hasAttention = true
        #expect(try message(0..<8, attention).contains("attention, which reads the whole image"))
    }

    @Test("the settings of a run without its rows are those of the whole")
    func settingsText() {
        let whole = RunSettings.text(["model=1", "seed=0"])
        let part = RunSettings.text(["model=1", "seed=0", RunSettings.rows(3..<7, of: 80)])
        let split = RunSettings.splitRows(part)
        #expect(split?.rows == 3..<7 && split?.height == 80 && split?.others == whole)
        for text in [whole, "rows=1:2", "rows=2:1/5", "rows=-1:2/5", "rows=1:9/5", "rows=a:b/c"] {
            #expect(RunSettings.splitRows(text) == nil)
        }
    }
}
