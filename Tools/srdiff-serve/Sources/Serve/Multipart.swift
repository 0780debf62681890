import Glibc
import ServeHTTP

/// Reads a multipart/form-data body (RFC 7578) part by part, without holding a part in memory.
final class Multipart {
    struct Part: Equatable {
        let name: String
        let filename: String?
    }

    private let body: HTTPBody
    private let delimiter: [UInt8]
    private var buffer: [UInt8] = [0x0d, 0x0a]  // the first boundary may have no line before it
    private var state = State.part

    private enum State { case part, atDelimiter, end }

    /// - Parameter contentType: the header field's value. Throws `Problem` 400 if it has no valid boundary.
    init(_ body: HTTPBody, contentType: String) throws(Problem) {
        self.body = body
        guard let boundary = Self.parameter("boundary", of: contentType), (1...70).contains(boundary.utf8.count) else {
            throw Problem(.badRequest, "Content-Type has no boundary", field: "content-type")
        }
        delimiter = Array("\r\n--\(boundary)".utf8)
    }

    /// Returns the next part, nil after the last one. Drops what is left of the part before.
    func next() async throws -> Part? {
        while try await bytes() != nil {}
        guard state == .atDelimiter else { return nil }
        while buffer.count < 2 { try await fill() }
        if buffer.starts(with: [0x2d, 0x2d]) {  // "--"
            state = .end
            try await body.drain()
            return nil
        }
        let head = try await head()
        state = .part
        return try Self.part(head)
    }

    /// Returns more bytes of the part, nil at its end.
    func bytes() async throws -> ArraySlice<UInt8>? {
        guard state == .part else { return nil }
        while true {
            if let place = Self.find(delimiter, in: buffer) {
                let bytes = buffer[..<place]
                buffer = Array(buffer[(place + delimiter.count)...])
                state = .atDelimiter
                return bytes.isEmpty ? nil : bytes
            }
            let kept = delimiter.count - 1
            if buffer.count > kept {
                let bytes = buffer[..<(buffer.count - kept)]
                buffer = Array(buffer[(buffer.count - kept)...])
                return bytes
            }
            try await fill()
        }
    }

    /// Returns a part's bytes as text.
    func text(limit: Int, field: String) async throws -> String {
        var text: [UInt8] = []
        while let bytes = try await bytes() {
            guard text.count + bytes.count <= limit else {
                throw Problem(.badRequest, "the value exceeds \(limit) bytes", field: field)
            }
            text += bytes
        }
        guard let text = String(validating: text, as: UTF8.self) else {
            throw Problem(.badRequest, "the value is not UTF-8", field: field)
        }
        return text
    }

    private func fill() async throws {
        guard let bytes = try await body.next() else {
            throw Problem(.badRequest, "the form ends before its last boundary")
        }
        buffer += bytes
    }

    private func head() async throws -> [UInt8] {
        let end: [UInt8] = [0x0d, 0x0a, 0x0d, 0x0a]
        while true {
            if let place = Self.find(end, in: buffer) {
                guard buffer.starts(with: [0x0d, 0x0a]) else {
                    throw Problem(.badRequest, "a boundary is not followed by a line end")
                }
                let head = Array(buffer[..<place])
                buffer = Array(buffer[(place + 4)...])
                return head
            }
            guard buffer.count <= 4096 else { throw Problem(.badRequest, "the head of a part exceeds 4096 bytes") }
            try await fill()
        }
    }

    private static func find(_ needle: [UInt8], in bytes: [UInt8]) -> Int? {
        bytes.withUnsafeBytes { bytes in
            needle.withUnsafeBytes { needle in
                guard let start = bytes.baseAddress else { return nil }
                var offset = 0
                while offset + needle.count <= bytes.count {
                    guard let found = memchr(start + offset, Int32(needle[0]), bytes.count - offset - needle.count + 1)
                    else { return nil }
                    offset = start.distance(to: UnsafeRawPointer(found))
                    if memcmp(found, needle.baseAddress!, needle.count) == 0 { return offset }
                    offset += 1
                }
                return nil
            }
        }
    }

    private static func part(_ head: [UInt8]) throws -> Part {
        guard let text = String(validating: head, as: UTF8.self) else {
            throw Problem(.badRequest, "the head of a part is not UTF-8")
        }
        for line in text.split(whereSeparator: \.isNewline) where line.lowercased().hasPrefix("content-disposition:") {
            guard let name = parameter("name", of: String(line)) else { break }
            return Part(name: name, filename: parameter("filename", of: String(line)))
        }
        throw Problem(.badRequest, "a part has no Content-Disposition with a name")
    }

    /// A parameter of a header field: `; name="value"` or `; name=value`. Browsers write a quotation mark as %22.
    static func parameter(_ name: String, of field: String) -> String? {
        var rest = Substring(field)
        while let semicolon = rest.firstIndex(of: ";") {
            rest = rest[rest.index(after: semicolon)...].drop { $0 == " " || $0 == "\t" }
            guard let equals = rest.firstIndex(where: { $0 == "=" || $0 == ";" }) else { return nil }
            guard rest[equals] == "=" else { continue }
            let found = rest[..<equals].lowercased()
            rest = rest[rest.index(after: equals)...]
            var value = ""
            if rest.first == "\"" {
                rest = rest.dropFirst()
                while let character = rest.popFirst(), character != "\"" {
                    if character == "\\", let next = rest.first, next == "\"" || next == "\\" {
                        value.append(rest.removeFirst())
                    } else {
                        value.append(character)
                    }
                }
            } else {
                value = String(rest.prefix { $0 != ";" && $0 != " " })
            }
            if found == name { return value }
        }
        return nil
    }
}
