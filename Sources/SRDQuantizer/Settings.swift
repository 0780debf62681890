import SRDModel

/// What is asked of the converter beside the recipe.
public struct QuantizerSettings: Hashable, Sendable {
    public var ranges = RangeRule.mse
    public var weightScales = WeightScales.perChannel
    /// One scale for all timesteps instead of one for each.
    public var usesSingleScale = false
    public var correctsBiases = true
    /// Timesteps to calibrate at, as many as a sampler of so many steps visits.
    public var steps = 20
    /// Schedules to calibrate on as well: those that the model was trained for.
    public var schedules: [TimestepSchedule] = []
    public var seed: UInt64 = 0
    public var threads = 1

    public init() {}

    /// What changes the result, in words for the file.
    public var description: String {
        "ranges \(ranges.rawValue), weight scales \(weightScales.rawValue), "
            + "\(usesSingleScale ? "one scale for all timesteps" : "a scale per timestep"), "
            + "bias correction \(correctsBiases ? "on" : "off"), \(steps) steps\(schedules.isEmpty ? "" : " and \(schedules.count) schedules of its own"), seed \(seed)"
    }
}
