import ArgumentParser
import Glibc
import SRDiff
import ToolSupport

struct JobBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "job",
        abstract: "Measures a whole job of srdiff-upscale, from its start to the PNG, and each part of it.",
        discussion: """
            The parts run in this process, in the order and by the calls of srdiff-upscale, twice: first \
            as in a new process, where weights
            are packed at first use, then again. \
            The compute part is the encoder, the conditioner and the steps the second time. The whole
            job is srdiff-upscale itself, the program next to this one, in turn with the parts.
            """)

    @Argument(help: ArgumentHelp("The image to upscale.", valueName: "image"))
    var image: String

    @Option(help: ArgumentHelp("The model, found as srdiff-upscale does.", valueName: "name|file"))
    var model: String?

    @Option(help: ArgumentHelp("Steps of the sampler. (default: the model's)", valueName: "n"))
    var steps: Int?

    @Option(help: ArgumentHelp("Threads, by commas. (default: the processors this process may use)", valueName: "n"))
    var threads: String?

    @Option(help: ArgumentHelp("Instruction sets, by commas, or all. (default: the fastest)", valueName: "names"))
    var cpu: String?

    @Option(name: .customLong("repeat"), help: ArgumentHelp("Jobs for each configuration.", valueName: "n"))
    var repetitions = 5

    @Option(help: "A table for people, for spreadsheets, or for programs.")
    var format = Format.md

    func validate() throws {
        guard (1...10000).contains(repetitions) else { throw ValidationError("--repeat \(repetitions): 1 to 10000") }
        _ = try (ThreadCounts.parse(threads), InstructionSets.parse(cpu))
    }

    func run() throws {
        let output = (Machine.environment("TMPDIR") ?? "/tmp") + "/srdiff-bench-\(getpid()).png"
        defer { unlink(output) }
        var jobs: [JobRun] = []
        for cpu in try InstructionSets.parse(cpu) {
            for threads in try ThreadCounts.parse(threads) {
                jobs.append(
                    JobRun(image: image, output: output, model: model, steps: steps, cpu: cpu, threads: threads))
            }
        }
        let progress = ProgressLine(isShown: true)
        for repetition in 0..<repetitions {
            for i in jobs.indices {
                progress.show(jobs[i].label, done: repetition * jobs.count + i, of: repetitions * jobs.count)
                try jobs[i].measure()
            }
        }
        progress.clear()
        Terminal.output.line(table(jobs).text(format))
    }

    private func table(_ jobs: [JobRun]) -> Measurements {
        var table = Measurements(columns: [
            .init(key: "cpu", heading: "CPU"), .init(key: "threads", heading: "threads"),
            .init(key: "part", heading: "part"),
            .init(key: "ms_first", heading: "first, ms", decimals: 1),
            .init(key: "ms_again", heading: "again, ms", decimals: 1),
            .init(key: "of_compute", heading: "of the compute part", decimals: 3),
        ])
        for job in jobs {
            for (part, first, again) in job.medians {
                table.rows.append([
                    .string(job.cpu.rawValue), .int(job.threads), .string(part), .number(first),
                    again.map { .number($0) } ?? .null,
                    .number(first / job.compute),
                ])
            }
        }
        return table
    }
}
