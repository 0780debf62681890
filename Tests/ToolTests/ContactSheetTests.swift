import SRDiff
import Testing
import ToolSupport

@Suite("contact sheets")
struct ContactSheetTests {
    func flat(_ width: Int, _ height: Int, _ code: UInt16) -> Image {
        Image(
            width: width, height: height, channels: 1, bitDepth: 8,
            samples: [UInt16](repeating: code, count: width * height))
    }

    @Test(
        "every image is there whole and once, whatever their number and shape", arguments: 1...13,
        [(64, 48), (300, 20), (5, 90)])
    func whole(count: Int, size: (width: Int, height: Int)) {
        var sheet = ContactSheet((0..<count).map { "seed \($0)" }, width: size.width, height: size.height)
        for i in 0..<count { sheet.place(flat(size.width, size.height, UInt16(100 + i)), at: i) }
        for i in 0..<count {
            let code = UInt16(100 + i)
            #expect(sheet.image.samples.count { $0 == code } == size.width * size.height * 3)
        }
        #expect(sheet.image.samples.contains(32))  // ink of the labels
    }

    @Test(
        "large ones are reduced, so that the sheet stays small",
        arguments: [(4000, 3000, 4), (600, 600, 1000), (50_000, 10, 30)])
    func reduced(size: (width: Int, height: Int, count: Int)) {
        let sheet = ContactSheet([String](repeating: "λ", count: size.count), width: size.width, height: size.height)
        // A last row need not be full.
        #expect(sheet.image.width * sheet.image.height < 2 * ContactSheet.pixelLimit)
    }
}
