import ArgumentParser

/// A rectangle of pixels, written `x,y,w,h`.
struct Box: Hashable, ExpressibleByArgument, CustomStringConvertible {
    let x, y, width, height: Int

    init(x: Int, y: Int, width: Int, height: Int) {
        self.x = x
        self.y = y
        self.width = width
        self.height = height
    }

    init?(argument: String) {
        let numbers = argument.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
        guard numbers.count == 4, let x = numbers[0], let y = numbers[1], let width = numbers[2],
            let height = numbers[3],
            [x, y].allSatisfy({ (0..<1 << 30).contains($0) }),
            [width, height].allSatisfy({ (1..<1 << 30).contains($0) })
        else { return nil }
        self.init(x: x, y: y, width: width, height: height)
    }

    var description: String { "\(x),\(y),\(width),\(height)" }
}
