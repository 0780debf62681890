import SRDModel
import SRDTensor

/// The timesteps and noise of a searched schedule, as four numbers.
///
/// The best family for one number of steps is a good start for the next. Searching each transition's own timestep and noise overfits: 8 steps
/// had 8 % less LPIPS on eleven patches, but 2 % on Set5 and Set14, and lost 0.17 dB.
package struct ScheduleFamily: Hashable {
    /// The noisiest and the cleanest timestep, as shares of the last.
    package var start = 0.7, end = 0.0
    /// Timesteps fall as this power of the share that is left.
    package var power = 1.0
    /// Fresh noise, as a share of DDPM's.
    package var eta = 1.0

    package init(start: Double = 0.7, end: Double = 0, power: Double = 1, eta: Double = 1) {
        self.start = start
        self.end = end
        self.power = power
        self.eta = eta
    }

    /// Another start: timesteps closer together near 0, less noise.
    static var second: ScheduleFamily { ScheduleFamily(start: 0.8, power: 1.5, eta: 0.5) }

    package func transitions(_ count: Int, timesteps: Int) -> [TimestepTransition] {
        let last = Double(timesteps - 1)
        var transitions: [TimestepTransition] = []
        for i in 0..<count {
            let left = count == 1 ? 1 : Double(count - 1 - i) / Double(count - 1)
            let share = left == 0 ? 0 : Mathematics.exp(power * Mathematics.log(left))
            let wanted = Int((last * (end + (start - end) * share)).rounded(.toNearestOrEven))
            // Where they crowd, one after another.
            let most = (transitions.last?.timestep ?? timesteps) - 1
            transitions.append(TimestepTransition(timestep: max(count - 1 - i, min(wanted, most)), eta: eta))
        }
        return transitions
    }

    /// One number more or less, by `size`: 1 for large changes.
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
