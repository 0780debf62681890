import ArgumentParser
import ToolSupport

extension Shard {
    /// Returns the jobs of one of several machines that do not talk to each other, in the order in which they are
    /// computed.
    func jobs(_ jobs: [Job]) throws -> [Job] {
        let paths = try jobs.map { job in
            guard case .file(let path) = job.input else {
                throw ValidationError("--shard takes files and folders, not \(job.input)")
            }
            return path
        }
        return divide(images: paths).map { jobs[$0] }
    }
}
