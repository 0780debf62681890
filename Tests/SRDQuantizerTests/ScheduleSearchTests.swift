import SRDImage
import SRDQuantizer
import SRDiff
import TestSupport
import Testing

@Suite("The search for few steps")
struct ScheduleSearchTests {
    static func search(threads: Int = 1) throws -> ScheduleSearch {
        var random = SeededRandom(seed: 3)
        let originals = (0..<2).map { _ in
            Picture(
                width: 40, height: 32, channels: 3, bitDepth: 8,
                samples: (0..<40 * 32 * 3).map { _ in UInt16.random(in: 0...255, using: &random) })
        }
        let set = CalibrationSet(originals: originals, scale: 4, side: 10, seed: 1, description: "noise")
        var settings = QuantizerSettings()
        settings.threads = threads
        return ScheduleSearch(try TinyModel.model(), on: set, settings: settings)
    }

    @Test("as many steps as there are timesteps are those of the full result, at no loss")
    func full() throws {
        let search = try Self.search(), found = search.search(20)
        #expect(found.jumps == (0..<20).reversed().map { Jump(timestep: $0) })
        #expect(found.loss < 1e-6)
    }

    @Test("timesteps fall, orders are 1 or 2, and the loss is that of the distance", arguments: [1, 2, 3, 7, 19])
    func schedules(count: Int) throws {
        let search = try Self.search(), found = search.search(count)
        #expect(found.jumps.count == count && found.jumps.allSatisfy { $0.eta == 0 && (1...2).contains($0.order) })
        #expect(zip(found.jumps, found.jumps.dropFirst()).allSatisfy { $0.timestep > $1.timestep })
        #expect(found.loss == search.loss(search.error(.jumps(found.jumps))))
    }

    @Test("nearer to the full result than DDIM over even timesteps", arguments: [2, 3, 4, 6])
    func better(count: Int) throws {
        let search = try Self.search()
        #expect(search.error(.jumps(search.search(count).jumps)) < search.error(.ddim(steps: count, eta: 0)))
    }

    @Test("the same for every number of threads")
    func threads() throws {
        let one = try Self.search().search(4), three = try Self.search(threads: 3).search(4)
        #expect(one == three)
    }
}
