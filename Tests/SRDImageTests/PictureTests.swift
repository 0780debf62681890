import SRDImage
import Testing

@Suite("Pictures")
struct PictureTests {
    @Test func paddingMirrorsWithTheBorderRepeated() {
        let picture = Picture(width: 2, height: 2, channels: 1, bitDepth: 8, samples: [1, 2, 3, 4])
        #expect(picture.padded(width: 5, height: 3).samples == [1, 2, 2, 1, 1, 3, 4, 4, 3, 3, 3, 4, 4, 3, 3])
    }

    @Test func croppingUndoesPadding() {
        for (width, height) in [(1, 1), (3, 5), (4, 2)] {
            let picture = randomPicture(width: width, height: height, channels: 3, bitDepth: 8)
            #expect(picture.padded(width: 11, height: 9).cropped(width: width, height: height) == picture)
        }
    }

    @Test func partsFromAnywhere() {
        let picture = Picture(width: 3, height: 2, channels: 2, bitDepth: 8, samples: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
        #expect(picture.cropped(x: 1, y: 1, width: 2, height: 1).samples == [9, 10, 11, 12])
        #expect(picture.cropped(x: 0, y: 0, width: 3, height: 2) == picture)
    }

    @Test("a wider kind and back is the same picture", arguments: 1...4, [8, 16])
    func kinds(channels: Int, bitDepth: Int) {
        let picture = randomPicture(width: 5, height: 4, channels: channels, bitDepth: bitDepth)
        for wider in channels...4 where wider % 2 == 0 || !picture.hasAlpha {
            let other = picture.converted(channels: wider, bitDepth: 16)
            #expect(other.channels == wider && other.bitDepth == 16)
            #expect(other.converted(channels: channels, bitDepth: bitDepth) == picture, "\(wider)")
        }
    }

    @Test func narrowerKinds() {
        let samples: [UInt16] = [257 * 10 + 128, 257 * 20 + 129, 257 * 31, 7]
        let picture = Picture(width: 1, height: 1, channels: 4, bitDepth: 16, samples: samples)
        #expect(picture.converted(channels: 3, bitDepth: 8).samples == [10, 21, 31])
        #expect(picture.converted(channels: 1, bitDepth: 16).samples == [5311])
    }
}
