import CSRDKernels
import SRDTensor
import SRDiff

/// A 3×3 layer's weights as Winograd's F(2×4, 3×3) multiplies them, for `conv_pair`. Owns its memory.
final class PairWeights: @unchecked Sendable {             // written by `init` alone
    /// G of F(2, 3), times 2, and of F(4, 3), times 24 (Lavin, Gray 2016): with these all is integers.
    private static let vertical: [[Int32]] = [[2, 0, 0], [1, 1, 1], [1, -1, 1], [0, 0, 2]]
    private static let horizontal: [[Int32]] = [
        [6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24],
    ]

    private let weights: UnsafeMutableBufferPointer<Int16>
    /// Weights from the start of a block to each input's.
    private let offsets: [Int]
    private let blockStride: Int

    /// For layers that `Kernels.pairBytes` knows; nil where a sum might not fit.
    init?(_ layout: TapLayout, codes: WeightCodes, channels: Int, kernels: srd_kernels_s8) {
        let inputs = layout.taps.filter { $0.dy == 0 && $0.dx == 0 }.map(\.channels)
        let block = Int(kernels.pair_block), group = Int(kernels.pair_group), points = Int(SRD_PAIR_POINTS)
        let filled = inputs.map { RowRing<srd_code>.filledUp($0) }, blocks = (channels + block - 1) / block
        let count = points * filled.reduce(0, +) * block
        let largestCode = Int32(kernels.offset) + 128
        for input in inputs.indices {
            for o in 0..<channels {
                var sum: Int32 = 0
                for tap in layout.taps where tap.input == input {
                    for i in 0..<tap.channels { sum += abs(Int32(codes[layout.weightIndex(tap, i, o)])) }
                }
                if largestCode * sum >= Int32.max / SRD_PAIR_SCALE { return nil }
            }
        }

        weights = .aligned(blocks * count)
        weights.initialize(repeating: 0)
        var offsets: [Int] = [], offset = 0
        for (input, channelsIn) in filled.enumerated() {
            offsets.append(offset)
            let taps = layout.taps.filter { $0.input == input }
            for o in 0..<channels {
                for i in 0..<inputs[input] {
                    // Down the columns, then along the rows.
                    var columns = [Int32](repeating: 0, count: 4 * 3)
                    for tap in taps {
                        let code = Int32(codes[layout.weightIndex(tap, i, o)])
                        for r in 0..<4 { columns[3 * r + tap.dx + 1] += Self.vertical[r][tap.dy + 1] * code }
                    }
                    let place = o / block * count + offset + i / group * block * group + o % block * group + i % group
                    for r in 0..<4 {
                        for k in 0..<6 {
                            var sum: Int32 = 0
                            for x in 0..<3 { sum += Self.horizontal[k][x] * columns[3 * r + x] }
                            weights[place + (6 * r + k) * channelsIn * block] = Int16(sum)
                        }
                    }
                }
            }
            offset += points * channelsIn * block
        }
        self.offsets = offsets
        blockStride = count
    }

    deinit { weights.deallocate() }

    /// Computes part of two rows, the upper of which is `row`. `rows` say the rest, biases and scales included.
    func run(
        _ inputs: UnsafeBufferPointer<PackedConvolution.Input>, starts: [UnsafeMutableBufferPointer<Int32>], row: Int, _ part: RowPart,
        _ rows: (UnsafePointer<srd_conv_row_s8_args>, UnsafePointer<srd_conv_row_s8_args>), kernels: srd_kernels_s8
    ) {
        let first = part.channels.lowerBound
        withUnsafeTemporaryAllocation(of: srd_pair_segment_s8.self, capacity: inputs.count) { segments in
            for (i, input) in inputs.enumerated() {
                func source(_ dy: Int) -> UnsafePointer<srd_code> { input.ring.row(row + dy) + (part.columns.lowerBound - 1) * input.ring.pixel }
                segments.initializeElement(at: i, to: srd_pair_segment_s8(
                    rows: (source(-1), source(0), source(1), source(2)), pixel: input.ring.pixel, channels: Int32(input.ring.pixel),
                    weights: weights.baseAddress! + first / Int(kernels.pair_block) * blockStride + offsets[i],
                    start: starts[i].baseAddress! + first, scale: input.scale
                ))
            }
            var args = srd_conv_pair_s8_args(
                segments: segments.baseAddress, segment_count: Int32(inputs.count), block_stride: blockStride, rows: rows)
            kernels.conv_pair(&args)
        }
    }
}
