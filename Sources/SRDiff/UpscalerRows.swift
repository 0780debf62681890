import SRDRuntime

extension Upscaler {
    /// Upscales an image, but computes only some rows of the result: they are byte-identical with the same rows of the
    /// whole.
    ///
    /// Time and memory grow with the rows, and with a halo around them that the network reads. If memory does not
    /// suffice for all of them, they are computed in tiles, each with a halo of its own.
    ///
    /// - Parameters:
    ///   - image: whose hidden colours were filled: `Image.withHiddenColorsFilled()`.
    ///   - rows: not empty, within 0 ..< `image.height · scale`.
    ///   - settings: schedule, seed and fidelity of the sample.
    ///   - memory: bytes that may be used; nil for what is available.
    ///   - progress: called after each step with the steps of all tiles done and in all; if it throws, the run stops
    ///     with that error.
    ///   - body: called with bands of the rows, from top to bottom, each as wide as the result.
    /// - Throws: `SRDiffError`; what `progress` and `body` throw.
    public func upscale(
        _ image: Image, rows: Range<Int>, settings: SamplingSettings, memory: Int? = nil,
        progress: (_ done: Int, _ total: Int) throws -> Void = { _, _ in }, _ body: (Image) throws -> Void
    ) throws {
        let tiles = try tiles(rows, of: image, settings, memory: memory), steps = settings.schedule.steps
        var done = 0
        try tiles.forEachBand(body) { region in
            let prepared = pipeline.prepare(image, region: region, settings: settings)
            return try upscale(prepared, settings: settings) { _, _ in
                done += 1
                try progress(done, tiles.count * steps)
            }
        }
    }

    /// Computes some rows of the encoder's image, as `upscale(_:rows:…)` does for a sample.
    public func encoderImage(_ image: Image, rows: Range<Int>, memory: Int? = nil, _ body: (Image) throws -> Void)
        throws
    {
        let tiles = try tiles(rows, of: image, nil, memory: memory)
        try tiles.forEachBand(body) { region in try encoderImage(image, region: region) }
    }

    /// - Parameter settings: nil for the encoder's image.
    private func tiles(_ rows: Range<Int>, of image: Image, _ settings: SamplingSettings?, memory: Int?)
        throws(SRDiffError) -> Tiles
    {
        let width = image.width * scale, height = image.height * scale
        guard loaded.model.network.isLocal else { throw .needsWholeImage(path: loaded.path) }
        guard !rows.isEmpty, rows.lowerBound >= 0, rows.upperBound <= height else {
            throw .badRows(found: rows, height: height)
        }
        let available = AvailableMemory.now(), budget = memory ?? available?.bytes ?? .max
        var needed = 0
        let tiles = Tiles(rows, width: width, bytesPerPixel: 2 * image.channels, budget: budget) { region in
            needed = MemoryEstimate.region(
                region, of: loaded.model, width: image.width, height: image.height, settings: settings,
                channels: image.channels)
            return needed
        }
        guard let tiles else {
            throw .exceedsMemory(
                subject: "a tile of \(Tiles.least)×\(Tiles.least) pixels", needed: needed, available: budget,
                limit: memory == nil ? available?.limit ?? "" : "allowed")
        }
        return tiles
    }
}

/// The division of some rows of a result into tiles that fit the memory.
struct Tiles {
    /// The shortest side of a tile, in pixels: below that it would be mostly halo.
    static let least = 64

    private let columns, rows: [Range<Int>]

    var count: Int { columns.count * rows.count }

    /// Halves the longer side of the tiles until they fit; nil if the smallest ones do not.
    ///
    /// - Parameters:
    ///   - width: of the result.
    ///   - bytesPerPixel: of a band of tiles that are finished.
    ///   - bytes: that a tile takes.
    init?(_ wanted: Range<Int>, width: Int, bytesPerPixel: Int, budget: Int, bytes: (ResultRegion) -> Int) {
        var across = 1, down = 1
        while true {
            let columns = Self.split(0..<width, across), rows = Self.split(wanted, down)
            // The middle one has a halo on all sides.
            let tile = ResultRegion(columns: columns[across / 2], rows: rows[down / 2])
            if bytes(tile) + width * tile.rows.count * bytesPerPixel <= budget {
                self.columns = columns
                self.rows = rows
                return
            }
            guard max(tile.columns.count, tile.rows.count) >= 2 * Self.least else { return nil }
            if tile.columns.count > tile.rows.count { across *= 2 } else { down *= 2 }
        }
    }

    private static func split(_ range: Range<Int>, _ parts: Int) -> [Range<Int>] {
        (0..<parts).map {
            range.lowerBound + range.count * $0 / parts..<range.lowerBound + range.count * ($0 + 1) / parts
        }
    }

    /// Computes all tiles and passes them to `body` in bands of the whole width.
    func forEachBand(_ body: (Image) throws -> Void, _ tile: (ResultRegion) throws -> Image) throws {
        for rows in rows {
            var band = try tile(ResultRegion(columns: columns[0], rows: rows))
            for columns in columns.dropFirst() {
                band = band.appending(try tile(ResultRegion(columns: columns, rows: rows)))
            }
            try body(band)
        }
    }
}

extension Image {
    /// Returns the image with another of the same height and kind at its right.
    fileprivate func appending(_ right: Image) -> Image {
        var samples: [UInt16] = []
        samples.reserveCapacity(self.samples.count + right.samples.count)
        for y in 0..<height {
            samples += self.samples[y * width * channels..<(y + 1) * width * channels]
            samples += right.samples[y * right.width * channels..<(y + 1) * right.width * channels]
        }
        return Image(
            width: width + right.width, height: height, channels: channels, bitDepth: bitDepth, samples: samples,
            metadata: metadata)
    }
}
