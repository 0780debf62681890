import Synchronization

/// Progress on standard error: on a terminal one line that is written over again and again, elsewhere (a file, a
/// journal) a line when something begins and one a minute.
public struct ProgressLine: Sendable {
    private enum Mode: Sendable { case hidden, terminal, log }

    private let mode: Mode
    private let start = ContinuousClock.now
    private let lastLine: LastLine

    /// Seconds between lines of a log.
    private static let interval = 60.0

    /// Shared by a line and its copies.
    private final class LastLine: Sendable {
        private let time = Mutex(ContinuousClock.now)

        func restart() { time.withLock { $0 = .now } }

        /// Whether a line is due; then the next one is due an interval later.
        func isDue() -> Bool {
            time.withLock { time in
                guard (ContinuousClock.now - time).seconds >= ProgressLine.interval else { return false }
                time = .now
                return true
            }
        }
    }

    public init(isShown: Bool) {
        mode = !isShown ? .hidden : Terminal.error.isInteractive ? .terminal : .log
        lastLine = LastLine()
    }

    private init(copy: ProgressLine) {
        mode = copy.mode
        lastLine = copy.lastLine
    }

    /// Returns a copy of the line whose clock starts at zero.
    public func restarted() -> ProgressLine { ProgressLine(copy: self) }

    /// Announces an image or a phase.
    public func begin(_ text: String) {
        switch mode {
        case .hidden: break
        case .terminal: show(text)
        case .log:
            lastLine.restart()
            Terminal.error.line(text)
        }
    }

    public func show(_ text: @autoclosure () -> String) {
        switch mode {
        case .hidden: break
        case .terminal: Terminal.error.write(Array("\r\u{1b}[K\(text())".utf8))
        case .log: if lastLine.isDue() { Terminal.error.line(text()) }
        }
    }

    /// Seconds per step and time left, from the steps done since this line was made.
    public func show(_ label: String, done: Int, of total: Int) {
        guard mode != .hidden else { return }
        let perStep = (ContinuousClock.now - start).seconds / Double(max(1, done))
        let left = Text.duration(perStep * Double(total - done))
        show("\(label)  step \(done)/\(total)  \(Text.short(perStep)) s/step  ETA \(left)")
    }

    /// Makes room for a line of output.
    public func clear() {
        if mode == .terminal { show("") }
    }
}
