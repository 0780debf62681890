import Foundation
import SRDiff
import TestSupport
import Testing

/// The installed models, chosen by the format of the input.
@Suite("Default model")
struct DefaultModelTests {
    @Test(
        "JPEG takes photo, PNG takes edge, and each is named",
        .enabled(if: ImageFormat.jpeg.isAvailable, "libturbojpeg is not installed"))
    func byFormat() throws {
        try withTemporaryFolder { folder in try check(folder) }
    }

    private func check(_ folder: String) throws {
        let image = Image(
            width: 12, height: 10, channels: 3, bitDepth: 8, samples: (0..<360).map { UInt16($0 * 7 % 256) })
        try image.write(to: "\(folder)/a.png")
        try write(image.encoded(as: .jpeg), to: "\(folder)/b.jpg")
        let run = try ToolRun(
            "srdiff-upscale", ["\(folder)/a.png", "\(folder)/b.jpg", "-o", "\(folder)/out/", "--json"])
        #expect(run.status == 0, "\(run.error)")
        let results = try #require(
            (JSONSerialization.jsonObject(with: Data(run.text.utf8)) as? [String: Any])?["results"] as? [[String: Any]])
        let models = results.map { ($0["model"] as? String ?? "").split(separator: "/").last.map(String.init) ?? "" }
        #expect(models == ["edge.int8.safetensors", "photo.int8.safetensors"])
        let named = ["edge.int8.safetensors", "photo.int8.safetensors"].filter { run.error.contains($0) }
        #expect(named.count == 2, "\(run.error)")

        let requested = try ToolRun(
            "srdiff-upscale", ["\(folder)/b.jpg", "-o", "\(folder)/c.jpg", "--model", "edge", "--json"])
        #expect(requested.text.contains("edge.int8.safetensors") && !requested.text.contains("photo.int8"))
    }
}
