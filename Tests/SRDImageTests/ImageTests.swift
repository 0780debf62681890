import SRDImage
import Testing

@Suite("Images")
struct ImageTests {
    @Test func paddingMirrorsWithTheBorderRepeated() {
        let image = Image(width: 2, height: 2, channels: 1, bitDepth: 8, samples: [1, 2, 3, 4])
        #expect(image.padded(width: 5, height: 3).samples == [1, 2, 2, 1, 1, 3, 4, 4, 3, 3, 3, 4, 4, 3, 3])
    }

    @Test func croppingUndoesPadding() {
        for (width, height) in [(1, 1), (3, 5), (4, 2)] {
            let image = randomImage(width: width, height: height, channels: 3, bitDepth: 8)
            #expect(image.padded(width: 11, height: 9).cropped(width: width, height: height) == image)
        }
    }

    @Test func partsFromAnywhere() {
        let image = Image(
            width: 3, height: 2, channels: 2, bitDepth: 8, samples: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
        #expect(image.cropped(x: 1, y: 1, width: 2, height: 1).samples == [9, 10, 11, 12])
        #expect(image.cropped(x: 0, y: 0, width: 3, height: 2) == image)
    }

    @Test("a wider kind and back is the same image", arguments: 1...4, [8, 16])
    func kinds(channels: Int, bitDepth: Int) {
        let image = randomImage(width: 5, height: 4, channels: channels, bitDepth: bitDepth)
        for wider in channels...4 where wider % 2 == 0 || !image.hasAlpha {
            let other = image.converted(channels: wider, bitDepth: 16)
            #expect(other.channels == wider && other.bitDepth == 16)
            #expect(other.converted(channels: channels, bitDepth: bitDepth) == image, "\(wider)")
        }
    }

    @Test func narrowerKinds() {
        let samples: [UInt16] = [257 * 10 + 128, 257 * 20 + 129, 257 * 31, 7]
        let image = Image(width: 1, height: 1, channels: 4, bitDepth: 16, samples: samples)
        #expect(image.converted(channels: 3, bitDepth: 8).samples == [10, 21, 31])
        #expect(image.converted(channels: 1, bitDepth: 16).samples == [5311])
    }
}
