import ArgumentParser
import SRDFile
import SRDiff
import ToolSupport

/// The command of `srdiff-join`.
package var command: any ParsableCommand.Type { Join.self }

struct Join: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "srdiff-join",
        abstract: "Joins the row files of srdiff-upscale --rows into one PNG file.",
        usage: "srdiff-join PART... -o OUTPUT [options]",
        discussion: """
            EXAMPLES
              srdiff-join scan_x4_rows*.png -o scan_x4.png
              srdiff-join parts -o scan_x4.png          all PNG files of a folder

            The parts may be named in any order: each states its rows. They must be of one
            image and one run's settings, and together all of its rows, each once. The
            result is the file that srdiff-upscale writes without --rows, byte for byte
            with the same libpng and zlib; its metadata are the first part's.

            Rows are decoded and encoded one at a time, so memory does not grow with the
            image.

            \(ToolInfo.exitCodes)
            """,
        version: SRDiffVersion.string
    )

    @Argument(
        help: ArgumentHelp(
            "PNG files of srdiff-upscale --rows, folders of them, or quoted patterns.", valueName: "part"))
    var parts: [String]

    @Option(name: .shortAndLong, help: ArgumentHelp("A PNG file, or - for standard output.", valueName: "file"))
    var output: String

    @Flag(help: "Replace an output that exists.")
    var overwrite = false

    @Flag(name: .shortAndLong, help: "Nothing but errors.")
    var quiet = false

    func validate() throws {
        guard output == "-" || destination.format == .png else {
            throw ValidationError("\(output.printable): the output is PNG")
        }
        if output == "-" && Terminal.output.isInteractive {
            throw ValidationError("an image does not belong on a terminal: name a file with -o")
        }
    }

    private var destination: ImageOutput { output == "-" ? .standardOutput(.png) : .file(output) }

    func run() throws {
        let start = ContinuousClock.now
        let search = InputSearch(parts, excluding: output)
        if let error = search.errors.first { throw error }
        let inputs = search.inputs.filter { $0.path != output }  // an earlier result in the parts' folder
        if let path = destination.path {
            try OutputRules(inputs: inputs.compactMap(\.path), overwrite: overwrite).check(path)
        }
        let joined = try JoinedImage(inputs.map { try RowFile($0) })
        let progress = ProgressLine(isShown: !quiet)
        progress.begin("\(destination)")
        try destination.write { write in try joined.encode(write) }
        progress.clear()
        guard !quiet else { return }
        (destination.isStandardOutput ? Terminal.error : .output).line(
            """
            \(joined.parts.count) parts → \(destination)  \(joined.width)×\(joined.height)  \
            \(Text.duration((ContinuousClock.now - start).seconds))
            """)
    }
}
