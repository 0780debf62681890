import SRDiff

/// The runs that a report's summary and images are about.
struct ReportSubject {
    /// The schedule with the most steps of the first sampler.
    let schedule: TimestepSchedule
    /// The run of the first model that is not the reference, or of the reference if it is alone.
    let run: Int
    /// The run of the reference, unless it is the subject itself.
    let reference: Int?

    init(_ results: Results, _ plan: EvaluationPlan) {
        let schedule = plan.schedules.filter { $0.kind == plan.schedules[0].kind }.max { $0.steps < $1.steps }!
        let reference = results.runs.firstIndex { $0.schedule == schedule && $0.isReference }
        let run = results.runs.firstIndex { $0.schedule == schedule && !$0.isReference } ?? reference!
        self.schedule = schedule
        self.run = run
        self.reference = reference == run ? nil : reference
    }
}
