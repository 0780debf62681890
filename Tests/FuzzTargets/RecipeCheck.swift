import SRDModel
import SRDQuantizer

enum RecipeCheck {
    static let network = Network(
        Configuration(
            hiddenSize: 8, multipliers: [1, 2], encoderBlocks: 2, encoderFeatures: 8, scale: 4, timesteps: 20))

    static func run(_ bytes: UnsafeRawBufferPointer) throws(Violation) -> Bool {
        let text = String(decoding: bytes, as: UTF8.self)
        let loaded = try Violation.attempt { try Recipe(parsing: text, for: network, hasPreview: true) }
        guard let loaded else { return false }
        let saved = loaded.text(for: network, hasPreview: true)
        let again = try Violation.require("a saved recipe cannot be loaded") {
            try Recipe(parsing: saved, for: network, hasPreview: true)
        }
        try Violation.check(again.text(for: network, hasPreview: true) == saved, "saved twice, the recipes differ")
        return true
    }
}
