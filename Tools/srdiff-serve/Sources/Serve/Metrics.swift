import Glibc
import SRDiff
import Synchronization

/// What the service counts since it was started.
final class Metrics: Sendable {
    struct Counts: Sendable {
        var done = 0, failed = 0
        var computingSeconds = 0.0
        var responses: [Int: Int] = [:]
    }

    private let counts = Mutex(Counts())
    private let start = ContinuousClock.now

    func finished(hasFailed: Bool, seconds: Double) {
        counts.withLock { counts in
            if hasFailed { counts.failed += 1 } else { counts.done += 1 }
            counts.computingSeconds += seconds
        }
    }

    func responded(_ status: Int) { counts.withLock { $0.responses[status, default: 0] += 1 } }

    /// In the text format of Prometheus.
    func text(_ jobs: [Job.State: Int], storedBytes: Int, connections: Int) -> String {
        let now = counts.withLock { $0 }
        var out = ""
        func metric(_ name: String, _ kind: String, _ help: String, _ samples: [(labels: String, value: Double)]) {
            out += "# HELP srdiff_\(name) \(help)\n# TYPE srdiff_\(name) \(kind)\n"
            for sample in samples {
                let value =
                    sample.value == sample.value.rounded() && abs(sample.value) < 1e15
                    ? String(Int(sample.value)) : "\(sample.value)"
                out += "srdiff_\(name)\(sample.labels) \(value)\n"
            }
        }
        metric(
            "jobs", "gauge", "Jobs that are kept, by state.",
            Job.State.allCases.map {
                ("{state=\"\($0.rawValue)\"}", Double(jobs[$0, default: 0]))
            })
        let finished: [(labels: String, value: Double)] = [
            ("{result=\"done\"}", Double(now.done)), ("{result=\"failed\"}", Double(now.failed)),
        ]
        metric("jobs_finished_total", "counter", "Jobs finished since start.", finished)
        metric("computing_seconds_total", "counter", "Seconds of computing since start.", [("", now.computingSeconds)])
        metric("stored_bytes", "gauge", "Bytes of images and results.", [("", Double(storedBytes))])
        metric("connections", "gauge", "Open connections.", [("", Double(connections))])
        metric(
            "http_responses_total", "counter", "Responses by status.",
            now.responses.sorted { $0.key < $1.key }.map {
                ("{status=\"\($0.key)\"}", Double($0.value))
            })
        metric("resident_memory_bytes", "gauge", "Memory of the program.", [("", Double(Self.residentMemory))])
        metric("uptime_seconds", "gauge", "Seconds since start.", [("", start.duration(to: .now).seconds.rounded())])
        if let temperature = Machine.condition.temperature {
            metric("temperature_celsius", "gauge", "Temperature of the hottest zone.", [("", temperature)])
        }
        return out
    }

    private static var residentMemory: Int {
        let fields = ((try? Files.text("/proc/self/statm")) ?? "").split(separator: " ")
        return (fields.count > 1 ? Int(fields[1]) ?? 0 : 0) * Int(sysconf(Int32(_SC_PAGESIZE)))
    }
}
