/// One line on standard error that is written over again and again; nothing where that is no terminal.
public struct ProgressLine {
    private let isShown: Bool
    private let start = ContinuousClock.now

    public init(isShown: Bool) {
        self.isShown = isShown && Terminal.error.isInteractive
    }

    private init(copy: ProgressLine) { isShown = copy.isShown }

    /// The same line with its clock at zero.
    public func restarted() -> ProgressLine { ProgressLine(copy: self) }

    public func show(_ text: String) {
        if isShown { Terminal.error.write(Array("\r\u{1b}[K\(text)".utf8)) }
    }

    /// Seconds per step and time left, from the steps done since this line was made.
    public func show(_ label: String, done: Int, of total: Int) {
        guard isShown else { return }
        let perStep = (ContinuousClock.now - start).seconds / Double(max(1, done))
        let left = Text.duration(perStep * Double(total - done))
        show("\(label)  step \(done)/\(total)  \(Text.short(perStep)) s/step  ETA \(left)")
    }

    public func clear() { show("") }
}
