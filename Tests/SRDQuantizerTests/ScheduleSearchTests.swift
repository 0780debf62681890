import SRDRuntime
import SRDImage
import SRDMetrics
import SRDQuantizer
import SRDTensor
import SRDModel
import TestSupport
import Testing

@Suite("Timestep schedule search")
struct ScheduleSearchTests {
    /// A perceptual distance with random weights, which suffices to test the search.
    static func lpips() throws -> LPIPS {
        var random = SeededRandom(seed: 5), tensors: [String: FloatTensor] = [:]
        func add(_ name: String, _ shape: [Int], _ range: ClosedRange<Float>) {
            let count = shape.reduce(1, *)
            tensors[name] = FloatTensor(
                shape: shape, values: (0..<count).map { _ in Float.random(in: range, using: &random) })
        }
        let layers = [(0, 64, 3, 11), (3, 192, 64, 5), (6, 384, 192, 3), (8, 256, 384, 3), (10, 256, 256, 3)]
        for (i, (layer, out, channels, kernel)) in layers.enumerated() {
            let size = 1 / Float(channels * kernel * kernel).squareRoot()
            add("features.\(layer).weight", [out, channels, kernel, kernel], -size...size)
            add("features.\(layer).bias", [out], -0.1...0.1)
            add("lin\(i).weight", [1, out, 1, 1], 0...0.1)
        }
        return try LPIPS(tensors: tensors)
    }

    static func search(threads: Int = 1, side: Int = 10) throws -> ScheduleSearch? {
        var random = SeededRandom(seed: 3)
        let originals = (0..<2).map { _ in
            Image(
                width: 40, height: 32, channels: 3, bitDepth: 8,
                samples: (0..<40 * 32 * 3).map { _ in UInt16.random(in: 0...255, using: &random) })
        }
        let set = CalibrationSet(originals: originals, scale: 4, side: side, seed: 1, description: "noise")
        var settings = QuantizerSettings()
        settings.threads = threads
        let model = try TinyModel.model()
        return ScheduleSearch(
            model, on: set, lpips: try lpips(), settings: settings)
    }

    @Test("a schedule's stored quality is the measured one, and its timesteps fall")
    func schedules() throws {
        let search = try #require(try Self.search()), counts = [1, 2, 3, 9]
        let found = search.search(counts)
        #expect(found.map(\.transitions.count) == counts)
        for schedule in found {
            let quality = search.quality(of: .transitions(schedule.transitions))
            #expect(schedule.psnrGain == Float(quality.psnr - search.full.psnr))
            #expect(schedule.lpipsRatio == Float(quality.lpips / search.full.lpips))
            #expect(
                zip(schedule.transitions, schedule.transitions.dropFirst()).allSatisfy { $0.timestep > $1.timestep })
            #expect(
                schedule.transitions.allSatisfy {
                    $0.order == 1 && (0...1).contains($0.eta) && (0..<20).contains($0.timestep)
                })
            #expect(schedule.transitions.allSatisfy { Double(Float($0.eta)) == $0.eta }, "a file keeps η as float32")
        }
    }

    @Test("a found schedule costs at most as much as DDIM and DDPM over uniform timesteps", arguments: [2, 4])
    func better(count: Int) throws {
        let search = try #require(try Self.search()), found = try #require(search.search([count]).first)
        let best = search.cost(search.quality(of: .transitions(found.transitions)))
        for eta in [0.0, 1] { #expect(best <= search.cost(search.quality(of: .ddim(steps: count, eta: eta)))) }
    }

    @Test("losing PSNR raises the cost, gaining it does not lower it; less LPIPS does")
    func cost() throws {
        let search = try #require(try Self.search())
        func cost(_ gain: Double, _ ratio: Double) -> Double {
            search.cost(.init(psnr: search.full.psnr + gain, lpips: search.full.lpips * ratio))
        }
        #expect(cost(2, 1) == cost(1, 1))
        #expect(cost(-1, 1) > cost(1, 1.5))
        #expect(cost(1, 0.9) < cost(1, 1))
    }

    @Test("the number of threads does not change the result")
    func threads() throws {
        #expect(try Self.search()?.search([3]) == Self.search(threads: 3)?.search([3]))
    }

    @Test("there is no search on images that are too small for LPIPS")
    func small() throws {
        #expect(try Self.search(side: 7) == nil)
    }

    @Test("progress rises to the total and never exceeds it")
    func progress() throws {
        var last = (done: 0, total: 0), calls = 0
        _ = try #require(try Self.search()).search([1, 2, 9]) { _, done, total in
            #expect(done >= last.done && done <= total)
            last = (done, total)
            calls += 1
        }
        #expect(calls > 100 && last.done == last.total)
    }

    @Test("a family's timesteps fall strictly and are timesteps of the model", arguments: [1, 2, 7, 20])
    func family(count: Int) {
        typealias Family = ScheduleFamily
        for family in [
            Family(), Family(start: 1, end: 0, power: 4, eta: 0), Family(start: 0.2, end: 0.2, power: 0.5, eta: 0.5),
        ] {
            let transitions = family.transitions(count, timesteps: 20)
            #expect(transitions.count == count && transitions.last!.timestep >= 0 && transitions.first!.timestep < 20)
            #expect(zip(transitions, transitions.dropFirst()).allSatisfy { $0.timestep > $1.timestep })
        }
    }
}
