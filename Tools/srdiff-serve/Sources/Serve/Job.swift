import SRDiff

/// What is asked of the model.
struct JobOptions: Equatable, Sendable {
    var model: String
    var steps: Int
    var fidelity: Float
    var seed: UInt64
    /// Results with the seeds `seed`, `seed` + 1, …
    var samples: Int
    var format: ImageFormat
    var quality: Int
}

/// The image of a job, as its header describes it.
struct JobImage: Equatable, Sendable {
    var format: ImageFormat
    var width: Int
    var height: Int
    var channels: Int
    var bytes: Int
    /// Whether the pixels were compressed with loss, which decides the default model.
    var isLossy = false
}

/// One sample's file.
struct JobResult: Equatable, Sendable {
    let sample: Int
    let seed: UInt64
    let bytes: Int
}

/// One image and what becomes of it.
struct Job: Equatable, Sendable {
    enum State: String, Sendable, CaseIterable {
        case queued, running, done, failed

        /// A job only goes on to a state of a higher order while the program runs.
        var order: Int {
            switch self {
            case .queued: 0
            case .running: 1
            case .done, .failed: 2
            }
        }
    }

    /// Where an image came from.
    enum Origin: Equatable, Sendable {
        case upload
        /// A request that waits for its result. The job ends with it.
        case waitingRequest
        /// The watched folder: the path below it, and the file's size and time when it was taken.
        case folder(path: String, stamp: String)
    }

    let id: String
    /// The first job with the same image: jobs of one image are compared with each other.
    let imageID: String
    /// The file's name for the user; never a path.
    let name: String
    let origin: Origin
    let options: JobOptions
    let image: JobImage
    /// Seconds since 1970.
    let created: Double
    var state = State.queued
    var started: Double?
    var finished: Double?
    /// Seconds of computing.
    var seconds: Double?
    var error: String?
    var results: [JobResult] = []

    /// A measure of the computation: millions of pixels times passes of the network.
    var work: Double { Double(image.width * image.height) / 1e6 * Double((options.steps + 1) * options.samples) }
}

extension Job {
    /// A name of 128 random bits in hexadecimal.
    static func newID() -> String { RandomBytes.hexadecimal(16) }

    static func isID(_ text: String) -> Bool {
        text.utf8.count == 32 && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }
}
