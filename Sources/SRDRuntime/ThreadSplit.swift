/// How the work on a band of rows is split over threads: into work items that are ranges of columns and output
/// channels.
struct ThreadSplit: Sendable {
    let width, channels: Int
    let columnParts, channelParts: Int
    let channelsPerPart: Int

    /// The number of column and channel parts.
    var count: Int { columnParts * channelParts }
    /// Whether each part covers all output channels, so that its rows are complete.
    var coversChannels: Bool { channelParts == 1 }

    func part(_ item: Int) -> RowPart {
        let column = item / channelParts, group = item % channelParts
        return RowPart(
            columns: width * column / columnParts..<width * (column + 1) / columnParts,
            channels: group * channelsPerPart..<min(channels, (group + 1) * channelsPerPart))
    }

    /// Splits each row of a band.
    ///
    /// A band of few rows is split into columns as well, so that every thread has work. Deep maps have few, short rows
    /// and many channels, so int8 layers are split into channels too.
    ///
    /// - Parameters:
    ///   - width: pixels per row; of a transposed convolution, of its input.
    ///   - channels: padded output channels.
    static func rows(_ rows: Int, width: Int, channels: Int, canSplitChannels: Bool, threads: Int) -> ThreadSplit {
        let columns = rows % threads == 0 ? 1 : max(1, min(width / 16, (2 * threads + rows - 1) / rows))
        guard canSplitChannels else {
            return ThreadSplit(
                width: width, channels: channels, columnParts: columns, channelParts: 1, channelsPerPart: channels)
        }
        let steps = (channels + RowPart.channelStep - 1) / RowPart.channelStep
        let wanted = min(steps, (threads + rows * columns - 1) / (rows * columns))
        let stepsPerPart = (steps + wanted - 1) / wanted
        return ThreadSplit(
            width: width, channels: channels, columnParts: columns,
            channelParts: (steps + stepsPerPart - 1) / stepsPerPart,
            channelsPerPart: stepsPerPart * RowPart.channelStep)
    }

    /// Splits a whole band for Winograd's products.
    ///
    /// Threads share either columns, so that each transforms all weights, or channels, so that each transforms all
    /// inputs, whichever is less work.
    static func winograd(
        rows: Int, width: Int, channels: Int, channelsPerTransform: Int, minimumWidth: Int, threads: Int
    ) -> ThreadSplit {
        let step = RowPart.channelStep, share = ((channels + threads - 1) / threads + step - 1) / step * step
        let mostColumns = width / minimumWidth
        let byColumns = mostColumns >= threads && 4 * channels <= rows * width
        let together = min(channelsPerTransform, byColumns ? channels : share),
            groups = (channels + together - 1) / together
        let columns = byColumns ? threads : max(1, min(mostColumns, (threads + groups - 1) / groups))
        return ThreadSplit(
            width: width, channels: channels, columnParts: columns, channelParts: groups, channelsPerPart: together)
    }
}
