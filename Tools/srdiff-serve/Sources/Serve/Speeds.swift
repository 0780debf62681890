import Synchronization

/// How fast this machine is with each model, learned from the jobs that it has done.
final class Speeds: Sendable {
    private let secondsPerWork: Mutex<[String: Double]>

    init(_ known: [String: Double]) { secondsPerWork = Mutex(known) }

    /// Returns the new mean of a model.
    func learn(_ model: String, seconds: Double, work: Double) -> Double {
        let measured = seconds / max(work, 1e-6)
        return secondsPerWork.withLock { speeds in
            let mean = speeds[model].map { 0.7 * $0 + 0.3 * measured } ?? measured
            speeds[model] = mean
            return mean
        }
    }

    /// Returns the seconds of this work, or nil for a model that has done nothing yet.
    func seconds(_ work: [String: Double]) -> Double? {
        secondsPerWork.withLock { speeds in
            var total = 0.0
            for (model, work) in work {
                guard let speed = speeds[model] else { return nil }
                total += speed * work
            }
            return total
        }
    }

    /// Returns the seconds until a running job ends.
    func secondsLeft(_ job: Job, _ running: RunningJob.State) -> Double? {
        let elapsed = running.start.duration(to: .now).seconds
        if let total = seconds([job.options.model: job.work]) { return max(0, total - elapsed) }
        guard running.completedSteps > 0 else { return nil }
        let perStep = running.start.duration(to: running.lastStep).seconds / Double(running.completedSteps)
        return max(0, perStep * Double(running.totalSteps) - elapsed)
    }
}

extension Duration {
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
