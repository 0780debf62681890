import ArgumentParser

/// A pixel position, written `x,y`.
struct Corner: Hashable, ExpressibleByArgument, CustomStringConvertible {
    let x, y: Int

    init(x: Int, y: Int) {
        self.x = x
        self.y = y
    }

    init?(argument: String) {
        guard let box = Box(argument: "\(argument),1,1") else { return nil }
        self.init(x: box.x, y: box.y)
    }

    var description: String { "\(x),\(y)" }
}
