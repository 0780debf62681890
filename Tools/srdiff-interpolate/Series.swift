import SRDFile
import SRDiff
import ToolSupport

/// The numbered frames of a folder and the sheet of all of them.
struct Series {
    let folder: String
    /// The settings of each frame.
    private let facts: [[String]]
    private let flags: WritingFlags
    private var sheet: ContactSheet
    /// The frames that do not exist yet.
    private(set) var missing: [Int] = []
    private(set) var isSheetMissing = true

    /// The index of the first frame on the sheet.
    private let first: Int

    /// Finds existing frames. Those with the same settings are kept; any other existing file is an error unless it may
    /// be replaced.
    init(
        folder: String, facts: [[String]], labels: (before: [String], frames: [String], after: [String]),
        size: (width: Int, height: Int), flags: WritingFlags, rules: OutputRules
    ) throws {
        self.folder = folder
        self.facts = facts
        self.flags = flags
        first = labels.before.count
        sheet = ContactSheet(labels.before + labels.frames + labels.after, width: size.width, height: size.height)
        for frame in facts.indices {
            let output = ImageOutput.file(path(frame))
            if let kept = try kept(output, facts[frame]) {
                sheet.place(kept, at: first + frame)
            } else {
                try rules.checkInput(path(frame))
                try rules.checkPlace(path(frame))
                missing.append(frame)
            }
        }
        isSheetMissing = try kept(.file(sheetPath), sheetFacts) == nil
        if isSheetMissing { try rules.checkInput(sheetPath) }
    }

    private func path(_ frame: Int) -> String {
        let digits = String(frame), wide = String(repeating: "0", count: max(0, 3 - digits.count)) + digits
        return FilePath.joined(folder, "frame_\(wide).png")
    }

    private var sheetPath: String { FilePath.joined(folder, "sheet.png") }

    private var sheetFacts: [String] { facts[0] + ["to"] + facts[facts.count - 1] + ["frames=\(facts.count)"] }

    private func kept(_ output: ImageOutput, _ facts: [String]) throws -> Image? {
        guard output.exists, !flags.overwrite, case .file(let path) = output else { return nil }
        let image = try ImageInput.file(path).read { _ in }
        guard image.has(runSettings: facts) else {
            throw ToolError(
                """
                \(path.printable): the file exists and was made with other settings. Replace it with \
                --overwrite, or choose another folder.
                """
            )
        }
        return image
    }

    mutating func write(_ image: Image, frame: Int) throws {
        sheet.place(image, at: first + frame)
        try ImageOutput.file(path(frame)).write(image.with(runSettings: flags.stripMetadata ? nil : facts[frame]))
    }

    /// - Parameter images: what the frames lie between.
    mutating func writeSheet(between images: (Image, Image)?) throws {
        if let (a, b) = images {
            sheet.place(a, at: 0)
            sheet.place(b, at: first + facts.count)
        }
        try ImageOutput.file(sheetPath).write(sheet.image.with(runSettings: flags.stripMetadata ? nil : sheetFacts))
    }
}
