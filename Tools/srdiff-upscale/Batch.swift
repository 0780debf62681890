import SRDFile
import SRDiff
import ToolSupport

/// Runs jobs one after another.
///
/// Each image passes three stages: reading (`Reading`), the model (`UpscaleMachine`), writing (`Writing`). With several
/// jobs, the next image is read and the last result written while the model runs, if the memory suffices for all three.
/// Memory does not depend on the number of jobs, and files do not depend on the overlap.
struct Batch {
    struct Options {
        let reading: Reading.Options
        let dryRun: Bool
        let stripMetadata: Bool
        let hasStatistics: Bool
        var force: Bool { reading.force }
        var overwrite: Bool { reading.rules.overwrite }
    }

    private let jobs: [Job]
    private let options: Options
    private let progress: ProgressLine
    private let machines: Machines
    private(set) var report: Report

    private var next: (job: Int, reading: Background<Reading>)?
    private var writing: Writing?
    /// Why a file of the job could not be written.
    private var writingFailure: (any Error)?

    init(_ jobs: [Job], _ options: Options, machines: Machines, report: Report, progress: ProgressLine) {
        self.jobs = jobs
        self.options = options
        self.machines = machines
        self.report = report
        self.progress = progress
    }

    private var overlaps: Bool { jobs.count > 1 && !options.dryRun }

    mutating func run() {
        for (i, job) in jobs.enumerated() {
            if report.isStopped {
                report.notTried(jobs.count - i)
                break
            }
            let label = jobs.count > 1 ? "[\(i + 1)/\(jobs.count)] \(job.input)" : "\(job.input)"
            writingFailure = nil
            do {
                try run(job, i, reading: takeReading(i), label: label)
            } catch {
                finishWriting()
                report.failed(job.input, error)
            }
        }
        _ = next?.reading.value()  // a batch that stops early
        finishWriting()
        progress.clear()
    }

    /// The job's image: read ahead, or read now.
    private mutating func takeReading(_ index: Int) -> Reading {
        defer { next = nil }
        if let next, next.job == index { return next.reading.value() }
        return Reading.read(jobs[index], options.reading, budget: nil)
    }

    /// Starts reading the job after this one while the model runs.
    private mutating func readAhead(_ index: Int, budget: Int) {
        guard overlaps, index + 1 < jobs.count else { return }
        let job = jobs[index + 1], reading = options.reading
        next = (index + 1, Background { Reading.read(job, reading, budget: budget) })
    }

    private mutating func run(_ job: Job, _ index: Int, reading: Reading, label: String) throws {
        switch reading {
        case .failed(let error):
            throw error
        case .exists:
            for destination in job.destinations { report.existing(job.input, destination) }
            report.skipped("existing result")
        case .ownResult:
            report.ownResult(job.input)
        case .opened(let opened):
            if options.dryRun {
                let machine = try announced(machines.machine(for: opened.header))
                return report.planned(
                    job, try machine.plan(opened.header), model: machine.loaded,
                    secondsPerMAC: try machine.secondsPerMAC())
            }
            finishWriting()  // its memory may be what was missing
            try run(job, index, reading: Reading.decode(job, opened, options.reading), label: label)
        case .images(let images, let opened, let warnings):
            for warning in warnings { report.note("\(job.input): warning: \(warning)") }
            if let rows = try machines.machine(for: opened.header).settings.rows {
                return try upscale(rows, of: images[0], job, index, opened.header, label: label)
            }
            for (i, image) in images.enumerated() {
                try upscale(image, of: job, index, opened.header, label: label, isLast: i == images.count - 1)
            }
        }
    }

    /// Samples an image as often as asked, and hands the results to the writer.
    private mutating func upscale(
        _ image: Image, of job: Job, _ index: Int, _ header: ImageHeader, label: String, isLast: Bool
    ) throws {
        let machine = try machines.machine(for: header)
        let plan = try machine.plan(header), settings = machine.settings, loaded = machine.loaded
        let available = AvailableMemory.now()?.bytes ?? .max
        if plan.memory + (writing?.memory ?? 0) > available { finishWriting() }
        if !options.force { try plan.checkMemory() }
        if isLast { readAhead(index, budget: available - plan.memory - (writing?.memory ?? 0)) }

        let kept = Set(options.overwrite ? [] : job.destinations.filter(\.exists))
        for destination in job.destinations where kept.contains(destination) { report.existing(job.input, destination) }
        // Statistics are of all samples: where one result is missing, all are made, and the missing ones written.
        let missing = job.outputs.filter { !kept.contains($0.destination) }
        let outputs = options.hasStatistics ? job.outputs : missing
        let summaries = Job.Summary.allCases.filter { kind in job.summaries[kind].map { !kept.contains($0) } ?? false }
        let lastSample = summaries.isEmpty && isLast ? missing.last?.destination : nil

        guard lastSample != nil || !summaries.isEmpty || !isLast else { return report.skipped("existing result") }

        var summary: SampleSummary?
        if options.hasStatistics {
            summary = SampleSummary(of: image, seeds: settings.seeds, scale: loaded.configuration.scale)
        }
        let encoding = settings.encoding(header), stripMetadata = options.stripMetadata
        _ = announced(machine)
        progress.begin(label)
        try machine.run(image, seeds: outputs.map(\.seed), progress: progress, label: label) { i, result, seconds in
            summary?.add(result)
            let output = outputs[i]
            guard !kept.contains(output.destination) else { return }
            let facts = stripMetadata ? nil : settings.facts(seeds: [output.seed], model: loaded)
            let size = (result.width, result.height), from = (image.width, image.height)
            let isLast = output.destination == lastSample
            let image = result.with(runSettings: facts)
            try write(image, of: job.input, to: output.destination, encoding, isLast: isLast) {
                $0.written(job.input, output, from: from, size, model: loaded, seconds: seconds)
            }
        }
        guard let summary else { return }
        for kind in summaries {
            let facts = settings.facts(seeds: settings.seeds, model: loaded) + [summary.fact(kind)]
            let image = summary.image(kind).with(runSettings: stripMetadata ? nil : facts)
            let isLastOne = isLast && kind == summaries.last
            let sigma = summary.sigma, white = summary.white
            try write(image, of: job.input, to: job.summaries[kind]!, encoding, isLast: isLastOne) {
                if isLastOne { $0.summarized(job, sigma: sigma, white: white) }
            }
        }
    }

    /// Computes rows of each sample that is missing. They are written while they are made.
    private mutating func upscale(
        _ request: RowRequest, of image: Image, _ job: Job, _ index: Int, _ header: ImageHeader, label: String
    ) throws {
        let machine = try announced(machines.machine(for: header)), settings = machine.settings
        let scale = machine.loaded.configuration.scale, width = image.width * scale, height = image.height * scale
        let rows: Range<Int>
        do { rows = try request.rows(of: height) } catch { throw InputError(job.input, error) }
        finishWriting()
        readAhead(index, budget: 0)
        for output in job.outputs {
            guard options.overwrite || !output.destination.exists else {
                report.existing(job.input, output.destination)
                continue
            }
            let clock = ContinuousClock(), start = clock.now
            let facts =
                settings.facts(seeds: [output.seed], model: machine.loaded) + [RunSettings.rows(rows, of: height)]
            progress.begin(label)
            var warnings: [String] = []
            try output.destination.write { write in
                var file: PNGRowWriter?
                try machine.run(
                    image, rows: rows, seed: output.seed, memory: options.force ? .max : nil, progress: progress,
                    label: label
                ) { band in
                    let writer =
                        try file
                        ?? PNGRowWriter(
                            width: width, height: rows.count, channels: band.channels, bitDepth: band.bitDepth,
                            metadata: band.with(runSettings: facts).metadata, compression: settings.compression,
                            onWarning: { warnings.append($0) })
                    file = writer
                    try writer.write(band)
                    try write(writer.takeBytes())
                }
                try file!.finish()
                try write(file!.takeBytes())
            }
            progress.clear()
            for warning in warnings { report.note("\(output.destination): warning: \(warning)") }
            report.written(
                job.input, output, from: (image.width, image.height), (width, rows.count), model: machine.loaded,
                seconds: (clock.now - start).seconds)
        }
        report.finished()
    }

    /// Names a model when its first image comes, except where no model runs.
    private mutating func announced(_ machine: UpscaleMachine) -> UpscaleMachine {
        guard !machine.isAnnounced && machine.settings.method != .bicubic else { return machine }
        machine.isAnnounced = true
        let loaded = machine.loaded
        progress.clear()
        report.note("model: \(loaded.path.printable) (\(loaded.arithmetic), \(loaded.foundBy))")
        for warning in loaded.warnings { report.note("warning: \(loaded.path.printable): \(warning)") }
        return machine
    }

    /// Hands a result to the writer, once it has written the one before.
    private mutating func write(
        _ image: Image, of input: ImageInput, to destination: ImageOutput, _ encoding: EncodingOptions, isLast: Bool,
        done: @escaping (inout Report) -> Void
    ) throws {
        finishWriting()
        if let writingFailure { throw writingFailure }
        writing = Writing(image, of: input, to: destination, encoding, isLast: isLast, startsNow: overlaps, done: done)
        guard !overlaps else { return }
        finishWriting()
        if let writingFailure { throw writingFailure }
    }

    /// Waits for the writer, and reports what it wrote.
    private mutating func finishWriting() {
        guard let writing else { return }
        self.writing = nil
        let result = writing.finish()
        progress.clear()
        for warning in result.warnings { report.note("\(writing.destination): warning: \(warning)") }
        if let error = result.error {
            // The failure of an earlier output of the input that is worked on ends that.
            if writing.isLast { report.failed(writing.input, error) } else { writingFailure = error }
        } else {
            writing.done(&report)
            if writing.isLast { report.finished() }
        }
    }
}
