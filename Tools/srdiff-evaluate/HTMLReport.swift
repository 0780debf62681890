import ToolSupport

struct HTMLReport {
    let results: Results
    let plan: Evaluation.Plan
    let store: PictureStore
    func text() throws -> String { "" }
}
