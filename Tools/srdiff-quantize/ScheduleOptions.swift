import ArgumentParser
import SRDiff
import ToolSupport

/// The timestep schedules that are kept in the model.
struct ScheduleOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            Search for the best timesteps and noise for these numbers of steps, and store them in the model: \
            srdiff-upscale --steps uses them. Takes minutes. all: \(SearchedCounts.all.text)
            """,
            valueName: "all|n,…"))
    var searchSteps: SearchedCounts?

    @Option(
        help: ArgumentHelp(
            """
            A timestep schedule that the model was trained for, as 69@0.9375,0: timesteps from the noisiest on, each \
            with the η of the transition that leaves it (0 if there is none). It is calibrated, measured and kept in \
            the model like a searched one. May be repeated.
            """,
            valueName: "t@η,…"))
    var schedule: [ScheduleArgument] = []

    @Option(help: ArgumentHelp("Fidelity of every --schedule, 0 to 1. (default: searched)", valueName: "f"))
    var fidelity: Fidelity?

    @Option(
        help: ArgumentHelp(
            """
            An image or folder of images to search steps on, best ones that the model was not trained on. May be \
            repeated. (default: those it is calibrated on)
            """,
            valueName: "path"))
    var searchOn: [String] = []

    @Option(
        help: ArgumentHelp(
            "LPIPS weights for --search-steps. (default: \(PerceptualWeights.name) in Models/ or share/srdiff/)",
            valueName: "file"))
    var lpips: String?

    /// Whether there are no schedules to measure.
    var isEmpty: Bool { searchSteps == nil && schedule.isEmpty }

    func validate() throws {
        func check(_ ok: Bool, _ message: String) throws { if !ok { throw ValidationError(message) } }
        try check(searchOn.isEmpty || !isEmpty, "--search-on is for --search-steps and --schedule")
        try check(fidelity == nil || !schedule.isEmpty, "--fidelity is for --schedule")
        try check(
            Set(schedule.map(\.transitions.count)).count == schedule.count, "--schedule: one for each number of steps")
        try check(lpips == nil || !isEmpty, "--lpips is for --search-steps and --schedule")
    }

    func check(for model: Model) throws {
        try searchSteps?.check(against: model.schedule.timesteps)
        if let fidelity, fidelity.needsEncoderImage && !model.hasPreview {
            throw ToolError("--fidelity \(fidelity): the model has no layers for the encoder's image")
        }
        for schedule in schedule {
            do {
                try TimestepSchedule.transitions(schedule.transitions).check(timesteps: model.schedule.timesteps)
            } catch {
                throw ValidationError("--schedule \(schedule.text): \(error)")
            }
        }
    }
}
