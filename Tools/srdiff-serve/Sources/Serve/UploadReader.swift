import ServeHTTP

/// What a request brings: images and parameters.
struct UploadRequest {
    var uploads: [Upload] = []
    var parameters: Parameters
}

/// Reads images from a request: the body itself, or the files of a form.
struct UploadReader {
    let service: Service

    /// Reads the body.
    ///
    /// - Parameter files: how many images the request may bring.
    func read(_ request: HTTPRequest, parameters: Parameters, files: Int) async throws -> UploadRequest {
        let share: Int
        if case .length(let count) = request.head.framing {
            guard count <= service.settings.uploadMiB << 20 else {
                throw Problem(.lengthTooLarge, "the body exceeds the limit of \(service.settings.uploadMiB) MiB")
            }
            share = count
        } else {
            share = service.settings.uploadMiB << 20
        }
        let type = request.head.value("content-type").map(Self.essence)
        let isForm = type == "multipart/form-data"
        guard isForm || type == nil || type == "application/octet-stream" || type!.hasPrefix("image/") else {
            throw Problem(
                .unsupportedMediaType, "send the image itself (curl -T FILE) or a form (curl -F file=@FILE)",
                field: "content-type")
        }
        guard service.incoming.take(share) else {
            throw Problem(.unavailable, "too many uploads at a time; try again", retryAfter: 5)
        }
        defer { service.incoming.giveBack(share) }
        do {
            return isForm ? try await form(request, parameters, files) : try await single(request, parameters)
        } catch let error as FileFailure where error.isFull {
            throw Problem(.unavailable, "the disk of the service is full", retryAfter: 60)
        }
    }

    private static func essence(_ contentType: String) -> String {
        contentType.prefix { $0 != ";" }.lowercased().filter { $0 != " " }
    }

    private func single(_ request: HTTPRequest, _ parameters: Parameters) async throws -> UploadRequest {
        let upload = try Upload(folder: service.store.incomingFolder, name: parameters["name"] ?? "")
        while let bytes = try await request.body.next() { try upload.write(bytes) }
        upload.finish()
        guard upload.count > 0 else {
            throw Problem(.unsupportedMediaType, "the body is empty (expected an image)", field: "file")
        }
        return UploadRequest(uploads: [upload], parameters: parameters)
    }

    private func form(_ request: HTTPRequest, _ parameters: Parameters, _ files: Int) async throws -> UploadRequest {
        let form = try Multipart(request.body, contentType: request.head.value("content-type") ?? "")
        var result = UploadRequest(parameters: parameters), fields = Parameters(), parts = 0
        while let part = try await form.next() {
            parts += 1
            guard parts <= files + 16 else { throw Problem(.badRequest, "the form has too many parts") }
            guard part.name == "file" else {
                let value = try await form.text(limit: 1024, field: String(part.name.prefix(64)))
                try fields.add(part.name, value, allowed: Parameters.job)
                continue
            }
            guard result.uploads.count < files else {
                throw Problem(
                    .badRequest, "at most \(files) \(files == 1 ? "file" : "files") in one request", field: "file")
            }
            let upload = try Upload(folder: service.store.incomingFolder, name: part.filename ?? "")
            while let bytes = try await form.bytes() { try upload.write(bytes) }
            upload.finish()
            guard upload.count > 0 else {
                throw Problem(.unsupportedMediaType, "a file is empty (expected an image)", field: "file")
            }
            result.uploads.append(upload)
        }
        result.parameters.replace(by: fields)
        guard !result.uploads.isEmpty else {
            throw Problem(.badRequest, "the form has no field named file", field: "file")
        }
        return result
    }
}

/// Names that clients give their images, for display and downloads only.
enum DisplayName {
    /// Without folders and control characters, at most 120 characters; "image" if nothing is left.
    static func cleaned(_ name: String) -> String {
        let last = name.split(whereSeparator: { $0 == "/" || $0 == "\\" }).last ?? ""
        let scalars = last.unicodeScalars.filter { scalar in
            scalar.properties.generalCategory != .control && scalar.properties.generalCategory != .format
        }
        let text = String(String(String.UnicodeScalarView(scalars)).prefix(120)).trimmed
        return text.isEmpty || text == "." || text == ".." ? "image" : text
    }

    /// "photo_x4.png" for "photo.jpg".
    static func result(of job: Job, scale: Int, sample: Int) -> String {
        let stem = stem(job.name), part = job.options.samples > 1 ? "_seed\(job.options.seed &+ UInt64(sample))" : ""
        return "\(stem)_x\(scale)\(part).\(job.options.format.extensions[0])"
    }

    private static func stem(_ name: String) -> String {
        guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return name }
        return String(name[..<dot])
    }

    /// The header field that names a download (RFC 6266).
    static func disposition(_ name: String) -> String {
        var plain = "", encoded = ""
        for byte in name.utf8 {
            let isPlain = byte.isLetterOrDigit || byte == 0x2d || byte == 0x2e || byte == 0x5f
            plain.append(isPlain ? Character(Unicode.Scalar(byte)) : "_")
            encoded +=
                isPlain
                ? String(Unicode.Scalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
        }
        return "attachment; filename=\"\(plain)\"; filename*=UTF-8''\(encoded)"
    }
}

extension UInt8 {
    var isLetterOrDigit: Bool {
        (0x30...0x39).contains(self) || (0x41...0x5a).contains(self) || (0x61...0x7a).contains(self)
    }
}

extension String {
    fileprivate var trimmed: String {
        var text = Substring(self)
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}
