import SRDiff

/// A model that jobs can name.
struct ServedModel: Sendable {
    let name: String
    let loaded: LoadedModel

    var scale: Int { loaded.configuration.scale }
    var defaultSteps: Int { (try? loaded.schedule())?.steps ?? ScheduleRequest.defaultSteps }

    /// The fidelity that is used by default with this many steps.
    func defaultFidelity(steps: Int) -> Float {
        guard let schedule = try? loaded.schedule(for: ScheduleRequest(steps: .count(steps))) else { return 0 }
        return loaded.defaultFidelity(for: schedule).value
    }
}

/// The models that jobs can name, read once at start.
struct Models: Sendable {
    let all: [ServedModel]

    var standard: ServedModel { all[0] }
    /// The model for an image of a job that names none: the default one for its format if it is served.
    func standard(isLossy: Bool) -> ServedModel { self[LoadedModel.defaultName(isLossy: isLossy)] ?? standard }

    subscript(name: String) -> ServedModel? { all.first { $0.name == name } }

    /// The most steps that every model can run.
    func maximumSteps(_ settings: Settings) -> Int {
        all.reduce(settings.maximumSteps) { min($0, $1.loaded.schedule.timesteps) }
    }

    /// Reads models by name or file. A name of the default list that is not installed is left out; any other is an
    /// error.
    init(_ names: [String], isDefaultList: Bool) throws {
        var found: [ServedModel] = []
        for name in names {
            do {
                found.append(ServedModel(name: Self.shortName(name), loaded: try LoadedModel.find(name)))
            } catch SRDiffError.noModel where isDefaultList && name != names[0] {
                continue
            }
        }
        guard Set(found.map(\.name)).count == found.count else {
            throw ServeError("--model: two models have the same name")
        }
        all = found
    }

    /// "edge" for "Models/edge.int8.safetensors".
    private static func shortName(_ name: String) -> String {
        let file = name.split(separator: "/").last ?? ""
        return String(file.prefix { $0 != "." })
    }
}
