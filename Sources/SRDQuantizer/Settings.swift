import SRDModel

/// The quantizer's settings besides the recipe.
public struct QuantizerSettings: Hashable, Sendable {
    public var ranges = RangeRule.mse
    public var weightScales = WeightScales.perChannel
    /// Whether there is one scale for all timesteps instead of one for each.
    public var usesSingleScale = false
    public var correctsBiases = true
    /// The number of steps of the calibration samplers, and so of calibrated timesteps.
    public var steps = 20
    /// Additional schedules to calibrate on, such as those that the model was trained for.
    public var schedules: [TimestepSchedule] = []
    public var seed: UInt64 = 0
    public var threads = 1

    public init() {}

    /// A description, for the file, of all settings that change the result.
    public var description: String {
        "ranges \(ranges.rawValue), weight scales \(weightScales.rawValue), "
            + "\(usesSingleScale ? "one scale for all timesteps" : "a scale per timestep"), "
            + "bias correction \(correctsBiases ? "on" : "off"), \(steps) steps"
            + "\(schedules.isEmpty ? "" : " and \(schedules.count) schedules of its own"), seed \(seed)"
    }
}
