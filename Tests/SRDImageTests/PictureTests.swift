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
}
