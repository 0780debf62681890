import ArgumentParser
import SRDFile
import SRDiff

/// `I/N`: the I-th of N parts, counted from 1.
public struct Shard: Hashable, Sendable, ExpressibleByArgument, CustomStringConvertible {
    /// The most parts.
    public static let limit = 100_000

    /// 1 to `count`.
    public let index: Int
    public let count: Int

    public init?(argument: String) {
        let numbers = argument.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
        guard numbers.count == 2, let index = numbers[0], let count = numbers[1] else { return nil }
        guard (1...Self.limit).contains(count), (1...count).contains(index) else { return nil }
        self.index = index
        self.count = count
    }

    public var description: String { "\(index)/\(count)" }

    /// Returns the indices of the images that belong to this shard, by their pixels, largest first.
    public func divide(images: [String]) -> [Int] { divide(images.map { (size: Self.pixels($0), name: $0) }) }

    /// Headers are mostly this short; other files are read whole. Every machine reads the headers of all images.
    private static let headerBytes = 1 << 16

    /// The pixels of an image by its header, as far as they count; 1 for a file that is none, so that one shard reports
    /// it.
    private static func pixels(_ path: String) -> Int {
        guard let file = try? MappedFile(path: path, longestCopy: 0) else { return 1 }
        for count in Set([min(headerBytes, file.count), file.count]).sorted() {
            let header = try? file.slice(0..<count).withBytes { bytes in
                Result { () throws(ImageError) in try ImageHeader(parsing: bytes) }
            }.get()
            guard let header else { continue }
            let (pixels, overflow) = header.width.multipliedReportingOverflow(by: header.height)
            return overflow ? Image.defaultPixelLimit : min(pixels, Image.defaultPixelLimit)
        }
        return 1
    }

    /// Returns the indices of the things that belong to this shard, largest first.
    ///
    /// Every machine that sees the same things divides them alike, whatever their order: largest first, then by the
    /// bytes of their name, each goes to the shard whose sizes sum to least so far, the first of them.
    public func divide(_ things: [(size: Int, name: String)]) -> [Int] {
        let names = things.map(\.name.pathBytes)
        let order = things.indices.sorted { a, b in
            if things[a].size != things[b].size { return things[a].size > things[b].size }
            return names[a].lexicographicallyPrecedes(names[b])
        }
        var sums = [Int](repeating: 0, count: count), own: [Int] = []
        for i in order {
            let least = sums.indices.min { sums[$0] < sums[$1] }!
            sums[least] += things[i].size
            if least == index - 1 { own.append(i) }
        }
        return own
    }

    /// The part of `length` things, which may be empty.
    public func range(of length: Int) -> Range<Int> { (index - 1) * length / count..<index * length / count }
}
