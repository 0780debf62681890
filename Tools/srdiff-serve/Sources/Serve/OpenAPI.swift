/// The description of the API, with this service's models and limits.
struct OpenAPI: Sendable {
    let bytes: [UInt8]

    init(_ service: Service) {
        func list(_ names: [String]) -> String { names.map { "\"\($0)\"" }.joined(separator: ", ") }
        let values = [
            "\"@MODELS@\"": list(service.models.all.map(\.name)), "\"@FORMATS@\"": list(ImageFormatNames.available),
            "\"@STEPS@\"": "\(service.models.maximumSteps(service.settings))",
            "\"@SAMPLES@\"": "\(service.settings.maximumSamples)",
            "\"@LASTSAMPLE@\"": "\(service.settings.maximumSamples - 1)",
        ]
        var text = String(decoding: PackageResources.openapi_json, as: UTF8.self)
        for (name, value) in values {
            text = text.split(separator: name, omittingEmptySubsequences: false).joined(separator: value)
        }
        bytes = Array(text.utf8)
    }
}
