import SRDModel
import SRDTensor

/// The timesteps and noise of a searched schedule, as four numbers.
///
/// The best family for one number of steps is a good start for the next. Searching each transition's own timestep and
/// noise would overfit (measurements in README.md).
package struct ScheduleFamily: Hashable {
    /// The noisiest and the cleanest timestep, relative to the model's last timestep.
    package var start = 0.7, end = 0.0
    /// The spacing: timesteps fall as this power of the remaining fraction of the steps.
    package var power = 1.0
    /// Fresh noise relative to DDPM's: DDIM's η.
    package var eta = 1.0

    package init(start: Double = 0.7, end: Double = 0, power: Double = 1, eta: Double = 1) {
        self.start = start
        self.end = end
        self.power = power
        self.eta = eta
    }

    /// A second start of the search, with timesteps closer together near 0 and less noise.
    static var second: ScheduleFamily { ScheduleFamily(start: 0.8, power: 1.5, eta: 0.5) }

    /// Returns the transitions of `count` steps for a model with this number of timesteps.
    package func transitions(_ count: Int, timesteps: Int) -> [TimestepTransition] {
        let last = Double(timesteps - 1)
        var transitions: [TimestepTransition] = []
        for i in 0..<count {
            let left = count == 1 ? 1 : Double(count - 1 - i) / Double(count - 1)
            let fraction = left == 0 ? 0 : Mathematics.exp(power * Mathematics.log(left))
            let wanted = Int((last * (end + (start - end) * fraction)).rounded(.toNearestOrEven))
            // Timesteps that would coincide become consecutive.
            let most = (transitions.last?.timestep ?? timesteps) - 1
            transitions.append(TimestepTransition(timestep: max(count - 1 - i, min(wanted, most)), eta: eta))
        }
        return transitions
    }

    /// Returns families in which one number is larger or smaller. `size` is 1 for the largest changes.
    func changes(_ size: Double) -> [ScheduleFamily] {
        var all: [ScheduleFamily] = []
        for sign in [-1.0, 1] {
            all.append(with { $0.start = max(0.2, min(1, start + sign * 0.16 * size)) })
            all.append(with { $0.power = max(0.5, min(4, power + sign * 0.5 * size)) })
            all.append(with { $0.eta = max(0, min(1, eta + sign * 0.5 * size)) })
            all.append(with { $0.end = max(0, min(0.2, end + sign * 0.08 * size)) })
        }
        return all
    }

    private func with(_ change: (inout ScheduleFamily) -> Void) -> ScheduleFamily {
        var changed = self
        change(&changed)
        return changed
    }
}
