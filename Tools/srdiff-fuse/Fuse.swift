import ArgumentParser
import SRDFile
import SRDiff
import ToolSupport

/// The command of `srdiff-fuse`.
package var command: any ParsableCommand.Type { Fuse.self }

struct Fuse: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "srdiff-fuse",
        abstract: "Copies a region of one image into another and blends it in with the model.",
        usage: "srdiff-fuse BASE REFERENCE --box x,y,w,h | --mask MASK [-o OUTPUT] [options]",
        discussion: """
            EXAMPLES
              srdiff-fuse face.png other.png --box 180,200,150,60
              srdiff-fuse face.png other.png --mask eyes.png -o new.png
              srdiff-fuse face.png other.png --box 180,200,150,60 --from 40,65

            The region of REFERENCE replaces BASE's. The residual over the bicubic
            upsample is then noised up to timestep t (--strength) and sampled from there
            (SRDiff's content fusion). Outside the region BASE does not change by a bit;
            inside, the result blends in over --feather pixels. Only the region and its
            surroundings are sampled, so that a small region of a large image costs
            little.

            REFERENCE has BASE's size, or --from gives the region's position in it. Its
            colours are not adjusted to BASE's. MASK has BASE's size: white is taken from
            REFERENCE, black stays, gray blends; an empty mask gives BASE itself.

            \(ToolInfo.exitCodes)
            """,
        version: SRDiffVersion.string
    )

    @Argument(help: ArgumentHelp("The image to change.", valueName: "base"))
    var base: String

    @Argument(
        help: ArgumentHelp(
            "The image to take the region from, of the same size unless --from is given.", valueName: "reference"))
    var reference: String

    @Option(help: ArgumentHelp("The region, in pixels from the upper left corner.", valueName: "x,y,w,h"))
    var box: Box?

    @Option(help: ArgumentHelp("The region as an image: white, black and grays.", valueName: "file"))
    var mask: String?

    @Option(
        help: ArgumentHelp(
            """
            Where the region's upper left corner is in REFERENCE, which may then be of any size. \
            (default: where it is in BASE)
            """,
            valueName: "x,y"))
    var from: Corner?

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            """
            A file (\(ImageFormat.preferredExtensions)), or - for standard output. \
            (default: NAME_fused.png next to BASE)
            """,
            valueName: "file"))
    var output: String?

    @Option(
        help: ArgumentHelp(
            "How much noise is added, above 0 to 1: the more, the more of the region is generated.", valueName: "x"))
    var strength = Strength(0.3)

    @Option(
        help: ArgumentHelp(
            "Pixels inside the region's edge over which BASE blends into the result. 0: none.", valueName: "n"))
    var feather = 8

    @Option(
        help: ArgumentHelp(
            """
            The low-resolution image that guides the sampling. both: BASE with the region, which keeps its look. base: \
            BASE alone, so that only REFERENCE's detail beyond the low resolution comes through.
            """,
            valueName: "both|base"))
    var guide = Guide.both

    @Option(help: ArgumentHelp("Random seed of the noise.", valueName: "n"))
    var seed: UInt64 = 0

    @OptionGroup var sampling: SamplingOptions

    @OptionGroup var writing: WritingFlags

    enum Guide: String, ExpressibleByArgument { case both, base }

    func validate() throws {
        func check(_ ok: Bool, _ message: String) throws { if !ok { throw ValidationError(message) } }
        try check((box == nil) != (mask == nil), "the region: either --box x,y,w,h or --mask FILE")
        try check((0...1000).contains(feather), "--feather \(feather): 0 to 1000")
        try check([base, reference, mask].count { $0 == "-" } < 2, "- can be one of the images only")
        if let output, output != "-",
            FilePath.fileExtension(of: output).flatMap({ ImageFormat(fileExtension: $0) }) == nil
        {
            throw ValidationError("\(output): the formats that can be written are \(ImageFormat.preferredExtensions)")
        }
        try check(
            !destination.isStandardOutput || !Terminal.output.isInteractive,
            "an image does not belong on a terminal: name a file with -o")
    }

    func run() throws {
        let instructionSet = try InstructionSet.fromEnvironment()
        let inputs = ([base, reference] + [mask].compactMap { $0 }).map(ImageInput.init(argument:))
        let rules = writing.rules(inputs)
        if let path = destination.path { try rules.check(path) }

        let opened = try inputs.map { try $0.open() }
        try check(opened)
        let base = try decoded(opened[0])
        let region = mask == nil ? Region(box!, in: base) : Region(mask: try decoded(opened[2]))
        guard let window = region.bounds else {
            writing.note("\(mask!): the mask is empty: \(inputs[0]) stays as it is")
            return try write(unchanged: base, opened[0].file)
        }
        let reference = try reference(opened[1], under: window, of: base, inputs[0])
        if base.hasAlpha && !destination.format.holdsAlpha {
            throw ToolError("\(inputs[0]): \(ImageError.alphaNotSupported), not \(destination)")
        }

        let loaded = try LoadedModel.find(sampling.model)
        writing.note("model: \(loaded.path) (\(loaded.arithmetic), \(loaded.foundBy))")
        let timestep = strength.timestep(of: loaded.schedule), sampler = try sampling.schedule(for: loaded)
        let fusion = Fusion(
            loaded: loaded, settings: SamplingSettings(schedule: sampler, seed: seed, generator: sampling.rng),
            timestep: timestep,
            guide: guide, feather: feather)
        let part = fusion.surroundings(of: window, in: base)
        try writing.checkMemory(fusion.memory(of: part), for: "a region of \(part.width)×\(part.height) pixels")

        let start = ContinuousClock.now, progress = ProgressLine(isShown: !writing.quiet)
        progress.begin("\(inputs[0]): encoding")
        let result = try fusion.run(
            base, reference, in: window, region, part: part,
            on: try Upscaler(loaded, options: .init(threads: sampling.threads, instructionSet: instructionSet)),
            progress: progress.restarted())
        let facts =
            RunSettings.sampled(loaded, fusion.settings, seeds: [seed])
            + ["fused", "timestep=\(timestep)", "feather=\(feather)"] + ["guide=\(guide.rawValue)"]
        try destination.write(result.with(runSettings: writing.stripMetadata ? nil : facts))
        progress.clear()
        let sizes = "\(part.width)×\(part.height) of \(base.width)×\(base.height)"
        tell("\(inputs[0]) → \(destination)  \(sizes)  \(Text.duration((ContinuousClock.now - start).seconds))")
    }

    private var destination: ImageOutput {
        switch output {
        case "-"?: .standardOutput(.png)
        case let output?: .file(output)
        case nil where base == "-": .file("stdin_fused.png")
        case nil:
            .file(
                FilePath.joined(
                    FilePath.folder(of: base), FilePath.name(stem: FilePath.stem(of: base), ending: "_fused.png")))
        }
    }

    private func note(_ input: ImageInput, _ warning: String) { writing.note("\(input): warning: \(warning)") }

    private func tell(_ text: String) {
        if destination.isStandardOutput { writing.note(text) } else { writing.line(text) }
    }

    /// Decodes the image and applies its orientation.
    private func decoded(_ opened: OpenedImage) throws -> Image {
        try opened.decode(force: writing.force) { note(opened.input, $0) }.withOrientationApplied()
    }

    /// Checks sizes and memory before any pixel is decoded.
    private func check(_ opened: [OpenedImage]) throws {
        let base = opened[0].uprightSize
        for (i, image) in opened.enumerated() where i == 2 || i == 1 && from == nil {
            let size = image.uprightSize
            guard size == base else {
                throw ToolError(
                    """
                    \(image.input): \(size.width)×\(size.height) pixels, but \(opened[0].input) has \
                    \(base.width)×\(base.height): they must be of one \
                    size\(i == 1 ? ", or --from say where the region lies" : "")
                    """)
            }
        }
        if let box, box.x + box.width > base.width || box.y + box.height > base.height {
            throw ToolError("--box \(box): reaches beyond the image's \(base.width)×\(base.height) pixels")
        }
        if !writing.force { for image in opened { try image.checkMemory() } }
        try writing.checkMemory(Fusion.memory(of: opened), for: "an image of \(opened[0].sizeText)")
    }

    /// The part of the reference that replaces the region's box, with BASE's channels and bit depth.
    private func reference(_ opened: OpenedImage, under window: Box, of base: Image, _ baseInput: ImageInput) throws
        -> Image
    {
        let whole = try decoded(opened), corner = from ?? Corner(x: window.x, y: window.y)
        for warning in ColorProfiles.warnings([(baseInput, base), (opened.input, whole)]) { writing.note(warning) }
        guard corner.x + window.width <= whole.width, corner.y + window.height <= whole.height else {
            throw ToolError(
                """
                \(opened.input): the region's \(window.width)×\(window.height) pixels from \(corner) on reach beyond \
                its \(whole.width)×\(whole.height)
                """)
        }
        return whole.cropped(x: corner.x, y: corner.y, width: window.width, height: window.height)
            .converted(channels: base.channels, bitDepth: base.bitDepth)
    }

    /// Writes BASE; its file is copied if the formats are the same.
    private func write(unchanged base: Image, _ file: MappedFile) throws {
        let bytes = file.withBytes { Array($0) }
        if writing.stripMetadata {
            try destination.write(base.with(runSettings: nil))
        } else if bytes.withUnsafeBytes({ ImageFormat(sniffing: $0) }) == destination.format {
            try destination.write(bytes: bytes)
        } else {
            try destination.write(base)
        }
    }
}
