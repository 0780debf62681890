import SRDiff

/// Images of one size side by side, each with a word above it. It keeps its own pixels only, about `pixelLimit`
/// at most: larger images are reduced as they come.
public struct ContactSheet {
    public static let pixelLimit = 8_000_000

    /// Returns the bytes of a sheet and its file for a number of images with a number of pixels each.
    public static func memory(images: Int, pixels: Int) -> Int { 6 * 2 * min(pixelLimit, images * pixels) }

    private static let gap = 8, paper: UInt16 = 255, ink: UInt16 = 32
    private let labels: [String]
    private let columns: Int
    /// 1/reduction of the images' size, in each axis.
    private let reduction: Int
    private let letter: Int
    private let cell: (width: Int, height: Int)
    public private(set) var image: Image

    /// - Parameter width, height: of each image.
    public init(_ labels: [String], width: Int, height: Int) {
        precondition(!labels.isEmpty)
        self.labels = labels
        let longest = labels.map(\.count).max()! * SmallFont.advance
        func layout(_ reduction: Int) -> (letter: Int, cell: (width: Int, height: Int)) {
            let width = (width + reduction - 1) / reduction, height = (height + reduction - 1) / reduction
            let letter = longest * 2 <= width ? 2 : 1
            return (letter, (max(width, longest * letter), height + SmallFont.height * letter + Self.gap))
        }
        func pixels(_ reduction: Int) -> Int {
            let cell = layout(reduction).cell
            return (cell.width + Self.gap) * (cell.height + Self.gap) * labels.count
        }
        var reduction = 1
        while pixels(reduction) > Self.pixelLimit && reduction < max(width, height) { reduction += 1 }
        let (letter, cell) = layout(reduction)
        self.reduction = reduction
        self.letter = letter
        self.cell = cell
        // As near to 3 : 2 as it gets.
        func isBetter(_ a: Int, _ b: Int) -> Bool {
            func shape(_ columns: Int) -> Double {
                let rows = (labels.count + columns - 1) / columns
                let ratio = Double(columns * cell.width) / Double(rows * cell.height) / 1.5
                return max(ratio, 1 / ratio) * Double(rows * columns) / Double(labels.count)
            }
            return shape(a) < shape(b)
        }
        let columns = (1...labels.count).min(by: isBetter)!
        self.columns = columns
        let rows = (labels.count + columns - 1) / columns
        let whole = (
            width: columns * (cell.width + Self.gap) + Self.gap, height: rows * (cell.height + Self.gap) + Self.gap
        )
        image = Image(
            width: whole.width, height: whole.height, channels: 3, bitDepth: 8,
            samples: [UInt16](repeating: Self.paper, count: whole.width * whole.height * 3))
    }

    /// Puts an image and its label there: red, green and blue of it, 8 bits.
    ///
    /// - Parameter label: instead of the one announced, and no longer.
    public mutating func place(_ image: Image, at index: Int, label: String? = nil) {
        let x0 = Self.gap + index % columns * (cell.width + Self.gap),
            y0 = Self.gap + index / columns * (cell.height + Self.gap)
        for (i, character) in (label ?? labels[index]).enumerated() {
            SmallFont.draw(character) { x, y in
                fill(x0 + (i * SmallFont.advance + x) * letter, y0 + y * letter, side: letter)
            }
        }
        let small = image.plain.resized(by: 1, over: reduction), top = y0 + SmallFont.height * letter + Self.gap / 2
        for y in 0..<small.height {
            for x in 0..<small.width {
                for c in 0..<3 {
                    let code = small.samples[(y * small.width + x) * small.channels + (small.hasColor ? c : 0)]
                    self.image.samples[((top + y) * self.image.width + x0 + x) * 3 + c] = code
                }
            }
        }
    }

    private mutating func fill(_ x: Int, _ y: Int, side: Int) {
        for row in y..<y + side {
            for i in (row * image.width + x) * 3..<(row * image.width + x + side) * 3 { image.samples[i] = Self.ink }
        }
    }
}

/// Letters of 5 × 7 dots, one more below the line: enough to label an image.
enum SmallFont {
    static let height = 8, advance = 6

    /// Calls `dot` for each dot of the character; one we lack is a box.
    static func draw(_ character: Character, dot: (_ x: Int, _ y: Int) -> Void) {
        for (x, column) in (columns[character] ?? [0x7f, 0x41, 0x41, 0x41, 0x7f]).enumerated() {
            for y in 0..<height where column >> y & 1 == 1 { dot(x, y) }
        }
    }

    /// From the left; the lowest bit is the top.
    private static let columns: [Character: [UInt8]] = [
        " ": [], "-": [8, 8, 8, 8, 8], ".": [0, 96, 96], "=": [20, 20, 20, 20, 20],
        "0": [62, 81, 73, 69, 62], "1": [0, 66, 127, 64], "2": [66, 97, 81, 73, 70], "3": [33, 65, 69, 75, 49],
        "4": [24, 20, 18, 127, 16], "5": [39, 69, 69, 69, 57], "6": [60, 74, 73, 73, 48], "7": [1, 113, 9, 5, 3],
        "8": [54, 73, 73, 73, 54], "9": [6, 73, 73, 41, 30],
        "a": [32, 84, 84, 84, 120], "b": [127, 72, 68, 68, 56], "c": [56, 68, 68, 68, 40], "d": [56, 68, 68, 72, 127],
        "e": [56, 84, 84, 84, 24], "f": [8, 126, 9, 1, 2], "g": [24, 164, 164, 164, 124], "h": [127, 8, 4, 4, 120],
        "i": [0, 68, 125, 64], "j": [64, 128, 132, 125], "k": [127, 16, 40, 68], "l": [0, 65, 127, 64],
        "m": [124, 4, 24, 4, 120], "n": [124, 8, 4, 4, 120], "o": [56, 68, 68, 68, 56], "p": [252, 36, 36, 36, 24],
        "q": [24, 36, 36, 36, 252], "r": [124, 8, 4, 4, 8], "s": [72, 84, 84, 84, 36], "t": [4, 63, 68, 64, 32],
        "u": [60, 64, 64, 32, 124], "v": [28, 32, 64, 32, 28], "w": [60, 64, 48, 64, 60], "x": [68, 40, 16, 40, 68],
        "y": [28, 160, 160, 160, 124], "z": [68, 100, 84, 76, 68],
        "λ": [64, 33, 18, 12, 112], "σ": [56, 68, 68, 60, 4],
    ]
}
