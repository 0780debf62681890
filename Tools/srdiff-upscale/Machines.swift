import SRDFile
import SRDiff
import ToolSupport

/// The model for each image: the requested one, or the default for the image's format.
final class Machines {
    private let instructionSet: InstructionSet
    private let settings: (LoadedModel) throws -> Settings
    private let isRequested: Bool
    private var machines: [String: UpscaleMachine] = [:]
    /// The machine of the image before, whose workspace is kept.
    private var last: UpscaleMachine?
    /// The requested model or the default one.
    let standard: UpscaleMachine

    /// - Parameters:
    ///   - name: of the requested model; nil chooses by format.
    ///   - settings: what the command line decides for a model.
    init(
        _ name: String?, instructionSet: InstructionSet, settings: @escaping (LoadedModel) throws -> Settings
    ) throws {
        let requested = try LoadedModel.requested(name), loaded = try requested ?? .installed(LoadedModel.defaultName)
        self.instructionSet = instructionSet
        self.settings = settings
        isRequested = requested != nil
        standard = UpscaleMachine(loaded: loaded, settings: try settings(loaded), instructionSet: instructionSet)
        machines[LoadedModel.defaultName] = standard
    }

    /// Returns the machine for an image. A model is read when its first image comes; one that is not installed is
    /// replaced by the standard one.
    func machine(for header: ImageHeader) throws -> UpscaleMachine {
        let machine = isRequested ? standard : try machine(named: LoadedModel.defaultName(isLossy: header.isLossy))
        if let last, last !== machine { last.releaseWorkspace() }
        last = machine
        return machine
    }

    private func machine(named name: String) throws -> UpscaleMachine {
        if let machine = machines[name] { return machine }
        var machine = standard
        do {
            let loaded = try LoadedModel.installed(name)
            machine = UpscaleMachine(loaded: loaded, settings: try settings(loaded), instructionSet: instructionSet)
        } catch SRDiffError.noModel {}
        machines[name] = machine
        return machine
    }
}
