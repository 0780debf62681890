import Foundation
import SRDImage
import Testing

@Suite("Bicubic is MATLAB's imresize")
struct BicubicTests {
    @Test("reductions of an 8-bit picture, exactly", .enabled(if: Golden.isPresent, "no golden files"), arguments: [2, 4, 8])
    func reduction(factor: Int) throws {
        let picture = try goldenPicture("image_u8")
        #expect(picture.resized(by: 1, over: factor) == (try goldenPicture("u8_down_\(factor)")))
    }

    /// The golden values are float64; 1e-12 is their rounding over six taps and two axes.
    @Test("enlargements without rounding", .enabled(if: Golden.isPresent, "no golden files"), arguments: [2, 4, 8])
    func enlargement(factor: Int) throws {
        let rows = BicubicRows(try goldenPicture("image_u8").cropped(width: 23, height: 16), scaledBy: factor)
        let golden = try Golden.tensor("f64_up_\(factor)", in: Golden.resize)
        #expect([rows.height, rows.width, rows.channels] == golden.shape)
        var values: [Double] = []
        rows.rows(0..<rows.height, into: &values)
        let expected = golden.bytes.withUnsafeBytes { Array($0.bindMemory(to: Double.self)) }
        let error = zip(values, expected).map { abs($0 / 256 - $1) }.max()
        #expect(values.count == expected.count && (error ?? 1) < 1e-12, "largest error \(error ?? .nan)")
    }

    private func goldenPicture(_ name: String) throws -> Picture {
        let (shape, bytes) = try Golden.tensor(name, in: Golden.resize)
        return Picture(width: shape[1], height: shape[0], channels: shape[2], bitDepth: 8, samples: bytes.map(UInt16.init))
    }
}
