import ArgumentParser
import Glibc
import Serve

@main
struct Command: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "srdiff-serve",
        abstract: "Upscales images for browsers and scripts: a web page, an HTTP API and a watched folder.",
        discussion: """
            EXAMPLES
              srdiff-serve                              for this machine: http://localhost:8642
              srdiff-serve --address 0.0.0.0            for the network, with a token
              srdiff-serve --watch in --into out        upscales what is copied to a folder
              curl -T photo.jpg http://localhost:8642/api/v1/upscale -o photo_x4.jpg

            One image is computed at a time, on all processors; the rest waits in a queue
            that survives a power failure. The API describes itself at
            /api/v1/openapi.json.

            With another address than the loopback one, clients must show a token. It is
            made at the first start, shown once and kept in the file token of the state
            folder.

            EXIT STATUS
              0    stopped by a signal
              1    something failed; the message says what
              2    usage error
            """,
        version: Version.string
    )

    @Option(help: ArgumentHelp("IP address to listen on; 0.0.0.0 or :: for the network.", valueName: "address"))
    var address = "127.0.0.1"

    @Option(help: ArgumentHelp("TCP port, 0 for any.", valueName: "n"))
    var port: UInt16 = 8642

    @Option(
        help: ArgumentHelp(
            "Folder of the queue and the results. (default: $STATE_DIRECTORY, else ~/.local/state/srdiff-serve)",
            valueName: "folder"))
    var state: String?

    @Option(
        help: ArgumentHelp(
            """
            A model that jobs can name: an installed one or a file. Repeat it for several; the first is the \
            default. (default: edge, photo)
            """,
            valueName: "name|file"))
    var model: [String] = []

    @Option(help: ArgumentHelp("Threads. (default: the processors this process may use)", valueName: "n"))
    var threads: Int?

    @Option(
        help: ArgumentHelp("A further name by which clients may call this machine. Can be repeated.", valueName: "name")
    )
    var hostName: [String] = []

    @Flag(help: "Answer everybody who reaches the address, without a token.")
    var noToken = false

    @Option(help: ArgumentHelp("A folder whose images are upscaled, sub-folders included.", valueName: "folder"))
    var watch: String?

    @Option(help: ArgumentHelp("Where the watched folder's results go.", valueName: "folder"))
    var into: String?

    @Option(help: ArgumentHelp("MiB that an upload may have.", valueName: "n"))
    var maxUpload = 64

    @Option(help: ArgumentHelp("Millions of pixels that an image may have.", valueName: "n"))
    var maxPixels = 16

    @Option(help: ArgumentHelp("Unfinished jobs.", valueName: "n"))
    var maxQueue = 200

    @Option(help: ArgumentHelp("Connections at a time.", valueName: "n"))
    var maxConnections = 256

    @Option(help: ArgumentHelp("Samples of one job.", valueName: "n"))
    var maxSamples = 16

    @Option(help: ArgumentHelp("Steps of one job.", valueName: "n"))
    var maxSteps = 100

    @Option(help: ArgumentHelp("Days that results are kept.", valueName: "n"))
    var keepDays = 7.0

    @Option(
        help: ArgumentHelp(
            "MiB of images and results that are kept; the oldest results are removed first.", valueName: "n"))
    var keepSize = 4096

    func validate() throws {
        func check(_ ok: Bool, _ message: String) throws { if !ok { throw ValidationError(message) } }
        try check((watch == nil) == (into == nil), "--watch and --into belong together")
        try check((1...1024).contains(threads ?? 1), "--threads \(threads ?? 1): 1 to 1024")
        try check((1...4096).contains(maxUpload), "--max-upload \(maxUpload): 1 to 4096")
        try check((1...268).contains(maxPixels), "--max-pixels \(maxPixels): 1 to 268")
        try check((1...100_000).contains(maxQueue), "--max-queue \(maxQueue): 1 to 100000")
        try check((1...4096).contains(maxConnections), "--max-connections \(maxConnections): 1 to 4096")
        try check((1...1000).contains(maxSamples), "--max-samples \(maxSamples): 1 to 1000")
        try check((1...1000).contains(maxSteps), "--max-steps \(maxSteps): 1 to 1000")
        try check(keepDays > 0 && keepDays <= 36500, "--keep-days \(keepDays): above 0, at most 36500")
        try check((1...1 << 30).contains(keepSize), "--keep-size \(keepSize): 1 or more")
    }

    func run() async throws {
        var settings = Settings()
        settings.address = address
        settings.port = port
        settings.stateFolder = try stateFolder()
        if !model.isEmpty { settings.models = model }
        settings.threads = threads
        settings.hostNames = hostName
        settings.hasToken = !noToken
        settings.watchedFolder = watch
        settings.targetFolder = into
        settings.uploadMiB = maxUpload
        settings.megapixels = maxPixels
        settings.queueLength = maxQueue
        settings.connections = maxConnections
        settings.maximumSamples = maxSamples
        settings.maximumSteps = maxSteps
        settings.keepDays = keepDays
        settings.keepMiB = keepSize
        try await Program.run(settings, isDefaultModelList: model.isEmpty)
    }

    private func stateFolder() throws -> String {
        func environment(_ name: String) -> String? {
            getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
        }
        if let state { return state }
        if let folder = environment("STATE_DIRECTORY") { return folder }
        if let folder = environment("XDG_STATE_HOME") { return "\(folder)/srdiff-serve" }
        guard let home = environment("HOME") else { throw ServeError("HOME is not set. Name a folder with --state.") }
        return "\(home)/.local/state/srdiff-serve"
    }

    static func main() async {
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand { try await command.run() } else { try command.run() }
        } catch {
            switch exitCode(for: error) {
            case .success: print(fullMessage(for: error))
            case .validationFailure:
                Log.line(message(for: error))
                Log.line("`srdiff-serve --help` shows usage.")
                Glibc.exit(2)
            default:
                Log.line("\(error)")
                Glibc.exit(1)
            }
        }
    }
}
