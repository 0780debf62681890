import Glibc

/// A thread that runs an actor. Disk and database wait there, and so does the long computation, without holding up the
/// tasks that answer requests.
final class ThreadExecutor: SerialExecutor, @unchecked Sendable {  // `jobs` is guarded by the mutex
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    private var jobs: [UnownedJob] = []
    private let niceness: Int32

    /// - Parameter niceness: added for the thread and the threads that it starts; others go first.
    init(niceness: Int32 = 0) {
        self.niceness = niceness
        mutex = .allocate(capacity: 1)
        condition = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { argument in
                Unmanaged<ThreadExecutor>.fromOpaque(argument!).takeUnretainedValue().run()
            }, Unmanaged.passRetained(self).toOpaque())  // runs as long as the program
        precondition(code == 0, "no thread can be started")
        pthread_detach(thread)
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        pthread_mutex_lock(mutex)
        jobs.append(job)
        pthread_cond_signal(condition)
        pthread_mutex_unlock(mutex)
    }

    func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }

    private func run() -> Never {
        if niceness != 0 {  // on Linux, of this thread
            let kind = __priority_which_t(PRIO_PROCESS.rawValue)
            setpriority(kind, 0, min(19, getpriority(kind, 0) + niceness))
        }
        while true {
            pthread_mutex_lock(mutex)
            while jobs.isEmpty { pthread_cond_wait(condition, mutex) }
            let batch = jobs
            jobs.removeAll(keepingCapacity: true)
            pthread_mutex_unlock(mutex)
            for job in batch { job.runSynchronously(on: asUnownedSerialExecutor()) }
        }
    }
}
