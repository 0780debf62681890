import SRDFile
import ArgumentParser
import SRDiff
import ToolSupport

/// The command of `srdiff-interpolate`.
package var command: any ParsableCommand.Type { Interpolate.self }

struct Interpolate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "srdiff-interpolate",
        abstract: "Goes from one image to another through the model's latent space, frame by frame.",
        usage: """
            srdiff-interpolate SMALL --seeds A B [-o FOLDER] [options]
            srdiff-interpolate IMAGE IMAGE [-o FOLDER] [options]
            """,
        discussion: """
            EXAMPLES
              srdiff-interpolate small.png --seeds 1 2  from one sample to another
              srdiff-interpolate a.png b.png            from one image to another
              srdiff-interpolate a_x4.png b_x4.png --low small.png --frames 25
              ffmpeg -i a-b/frame_%03d.png a-b.mp4      a video of the frames

            With --seeds, one low-resolution image is upscaled as by srdiff-upscale, with
            noise interpolated from one seed to the other. The first and the last frame
            are the files that srdiff-upscale writes with these seeds.

            With two high-resolution images of equal size, each image's residual over the
            bicubic upsample of its downscaled self is noised to timestep t (--strength)
            with the same noise. The two states are blended, and sampling continues from
            there, conditioned on the blend of the downscaled images, or on --low. The
            first and the last frame are the two images, resampled.

            Frames are FOLDER/frame_000.png and so on, with FOLDER/sheet.png as an
            overview; λ, 0 to 1, is in each PNG's text "srdiff". When the command is run
            again after an interruption, existing frames are kept.

            \(ToolInfo.exitCodes)
            """,
        version: SRDiffVersion.string
    )

    @Argument(help: ArgumentHelp("One small image and --seeds, or two images.", valueName: "input"))
    var inputs: [String]

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("Two seeds to interpolate between, with one low-resolution image.", valueName: "n n"))
    var seeds: [UInt64] = []

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "The folder to write to, created if missing. (default: NAME_x4_seed1-2 or A-B next to the input)",
            valueName: "folder"))
    var output: String?

    @Option(
        help: ArgumentHelp(
            """
            The low-resolution image that conditions every frame between two images. (default: the blend of their own)
            """,
            valueName: "file"))
    var low: String?

    @Option(help: ArgumentHelp("Number of frames, including both ends: 2 to 1000.", valueName: "n"))
    var frames = 9

    @Flag(
        help:
            """
            Interpolate linearly, as published, instead of spherically. Halfway between two seeds there \
            is less noise and less detail.
            """
    )
    var linear = false

    @Option(
        help: ArgumentHelp(
            """
            Timestep that two images are noised to, as a fraction of all, above 0 to 1. Higher values invent more \
            detail. (default: \(Interpolate.defaultStrength))
            """,
            valueName: "x"))
    var strength: Strength?

    @Option(help: ArgumentHelp("Random seed of the noise for two images. (default: 0)", valueName: "n"))
    var seed: UInt64?

    @OptionGroup var sampling: SamplingOptions

    @OptionGroup var writing: WritingFlags

    static let defaultStrength = Strength(0.5)

    func validate() throws {
        func check(_ ok: Bool, _ message: String) throws { if !ok { throw ValidationError(message) } }
        try check((2...1000).contains(frames), "--frames \(frames): 2 to 1000")
        if seeds.isEmpty {
            try check(inputs.count != 1, "one image needs --seeds A B; or name two images")
            try check(inputs.count == 2, "\(inputs.count) images: name two, or one and --seeds")
            try check((inputs + [low ?? ""]).count { $0 == "-" } < 2, "- can be one of the images only")
        } else {
            try check(seeds.count == 2, "--seeds takes two: the first frame's and the last's")
            try check(seeds[0] != seeds[1], "--seeds \(seeds[0]) \(seeds[1]): the same noise twice")
            try check(inputs.count == 1, "--seeds goes over one small image, not \(inputs.count)")
            try check(
                low == nil && strength == nil && seed == nil,
                "--low, --strength and --seed are for two images, not for --seeds")
        }
    }

    func run() throws {
        let instructionSet = try InstructionSet.fromEnvironment()
        let loaded = try LoadedModel.find(sampling.model), sampler = try sampling.schedule(for: loaded)
        writing.note("model: \(loaded.path) (\(loaded.arithmetic), \(loaded.foundBy))")
        let journey = Journey(
            loaded: loaded, sampler: sampler, generator: sampling.rng,
            fidelity: try loaded.fidelity(sampling.fidelity, for: sampler),
            isLinear: linear, frames: frames)
        let folder = output ?? defaultFolder(scale: loaded.configuration.scale)
        if FilePath.exists(folder) && !FilePath.isFolder(folder) {
            throw ToolError("\(folder.printable): a file (expected a folder)")
        }
        let ends = try ends(journey)

        let inputs = ends.fact
        var series = try Series(
            folder: folder, facts: (0..<frames).map { journey.facts(ends, inputs: inputs, frame: $0) },
            labels: ends.labels(frames), size: ends.size(loaded), flags: writing,
            rules: writing.rules((self.inputs + (low.map { [$0] } ?? [])).map(ImageInput.init(argument:))))
        guard !series.missing.isEmpty || series.isSheetMissing else {
            return writing.line("\(folder): all frames are there (--overwrite makes them again)")
        }
        let start = ContinuousClock.now, progress = ProgressLine(isShown: !writing.quiet)
        progress.begin("\(folder): encoding")
        try journey.make(
            series.missing, of: ends,
            on: try Upscaler(loaded, options: .init(threads: sampling.threads, instructionSet: instructionSet)),
            progress: progress.restarted()
        ) { try series.write($1, frame: $0) }
        try series.writeSheet(between: ends.images)
        progress.clear()
        let size = ends.size(loaded), seconds = (ContinuousClock.now - start).seconds
        writing.line(
            "\(folder): \(frames) frames of \(size.width)×\(size.height), sheet.png  \(Text.duration(seconds))")
    }

    private func ends(_ journey: Journey) throws -> Ends {
        let scale = journey.loaded.configuration.scale, isBetweenImages = seeds.isEmpty
        let opened = try (inputs + (low.map { [$0] } ?? [])).map { try ImageInput(argument: $0).open() }
        let upright = opened[0].uprightSize, factor = isBetweenImages ? 1 : scale
        let size = (width: upright.width * factor, height: upright.height * factor)
        let bytes = journey.memory(size: size, betweenImages: isBetweenImages)
        try writing.checkMemory(bytes, for: "a frame of \(size.width)×\(size.height) pixels")
        if !writing.force { for image in opened { try image.checkMemory() } }
        if isBetweenImages { try checkSizes(opened, scale: scale) }
        // Rotated as a viewer shows them.
        let images = try opened.map { opened in
            try opened.decode(force: writing.force) { writing.note("\(opened.input): warning: \($0)") }
                .withOrientationApplied()
        }
        guard isBetweenImages else { return .seeds(seeds[0], seeds[1], over: images[0]) }
        for warning in ColorProfiles.warnings(zip(opened, images).map { ($0.input, $1) }) { writing.note(warning) }
        let a = images[0], b = images[1], low = images.count > 2 ? images[2] : nil
        let kind = Image.commonKind(a, b)
        func alike(_ image: Image) -> Image { image.converted(channels: kind.channels, bitDepth: kind.bitDepth) }
        return .images(
            alike(a), alike(b), low: low.map(alike),
            timestep: (strength ?? Self.defaultStrength).timestep(of: journey.loaded.schedule),
            seed: seed ?? 0)
    }

    /// Throws unless both images have one size and the low-resolution image, if there is one, has the size that fits
    /// them.
    private func checkSizes(_ opened: [OpenedImage], scale: Int) throws {
        let sizes = opened.map(\.uprightSize), a = sizes[0], b = sizes[1]
        guard a == b else {
            throw ToolError(
                """
                \(opened[1].input): \(b.width)×\(b.height) pixels, but \(opened[0].input) has \(a.width)×\(a.height): \
                they must be of one size
                """)
        }
        if sizes.count > 2, sizes[2].width * scale != a.width || sizes[2].height * scale != a.height {
            let low = sizes[2]
            throw ToolError(
                """
                \(opened[2].input): \(low.width)×\(low.height) pixels become \
                \(low.width * scale)×\(low.height * scale), but \(opened[0].input) has \(a.width)×\(a.height)
                """)
        }
    }

    private func defaultFolder(scale: Int) -> String {
        func stem(_ path: String) -> String { path == "-" ? "stdin" : FilePath.stem(of: path) }
        let rest = seeds.isEmpty ? "-\(stem(inputs[1]))" : "_x\(scale)_seed\(seeds[0])-\(seeds[1])"
        return FilePath.joined(FilePath.folder(of: inputs[0]), stem(inputs[0]) + rest)
    }
}
