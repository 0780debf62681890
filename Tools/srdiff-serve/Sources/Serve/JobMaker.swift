import ServeHTTP

/// Makes jobs of checked images and parameters.
struct JobMaker {
    let service: Service

    /// Throws `Problem` for the first image or parameter that cannot be used.
    func jobs(_ request: UploadRequest, origin: Job.Origin) throws -> [Job] {
        try request.uploads.map { upload in
            let image = try ImageInspection.image(upload.path, service)
            let name = request.uploads.count == 1 ? request.parameters["name"] ?? upload.name : upload.name
            return try job(image, name: name, request.parameters, origin: origin)
        }
    }

    /// - Parameter imageID: of the first job with the same image; nil makes this one the first.
    func job(
        _ image: JobImage, name: String, _ parameters: Parameters, origin: Job.Origin, imageID: String? = nil
    ) throws(Problem) -> Job {
        let options = try parameters.options(for: image, service)
        try ImageInspection.check(image, options, service)
        let id = Job.newID()
        return Job(
            id: id, imageID: imageID ?? id, name: DisplayName.cleaned(name), origin: origin, options: options,
            image: image,
            created: Clock.now)
    }
}
