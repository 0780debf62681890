import Glibc

/// A value that another thread computes meanwhile.
public final class Background<Value: Sendable>: @unchecked Sendable {      // `result` is read once the thread ended
    private var result: Value?
    private let body: @Sendable () -> Value
    private var thread: pthread_t?

    /// Starts a thread for `body`. If none can be had, `value()` runs it.
    ///
    /// - Parameter startsNow: false leaves the work to `value()`.
    public init(startsNow: Bool = true, _ body: @escaping @Sendable () -> Value) {
        self.body = body
        guard startsNow else { return }
        let work = Work { self.result = body() }
        let context = Unmanaged.passRetained(work)
        var thread = pthread_t()
        let code = pthread_create(&thread, nil, { context in
            Unmanaged<Work>.fromOpaque(context!).takeRetainedValue().run()
            return nil
        }, context.toOpaque())
        if code == 0 { self.thread = thread } else { context.release() }
    }

    /// Waits for the value. Called once, by the thread that made this.
    public func value() -> Value {
        guard let thread else { return body() }
        pthread_join(thread, nil)
        return result!
    }
}

private final class Work {
    let run: () -> Void
    init(_ run: @escaping () -> Void) { self.run = run }
}
