/// A line of a log: a JSON object whose values are strings and numbers.
package enum JSONLine {
    /// Returns the members, numbers as they are written; nil if the line is no such object, as where writing was
    /// interrupted.
    package static func members(_ line: some Sequence<UInt8>) -> [String: String]? {
        Array(line).withUnsafeBytes { bytes in
            var reader = JSONReader(bytes, base: 0), members: [String: String] = [:]
            do throws(SafetensorsError) {
                try reader.open("{")
                while try reader.hasNext(before: "}") {
                    let key = try reader.text(of: reader.key())
                    if reader.nextIsString {
                        members[key] = try reader.string()
                    } else {
                        members[key] = try reader.scalar()
                    }
                }
                try reader.end()
            } catch { return nil }
            return members
        }
    }
}

extension JSONReader {
    fileprivate var nextIsString: Bool {
        var position = position
        while position < bytes.count, bytes[position] == 0x20 { position += 1 }
        return position < bytes.count && bytes[position] == 0x22
    }

    /// A number, as it is written.
    fileprivate mutating func scalar() throws(SafetensorsError) -> String {
        let start = position
        try skipValue()
        let text = String(decoding: bytes[start..<position], as: UTF8.self).drop { $0 == " " }
        guard Double(text) != nil else { throw error("a number or a string", at: start) }
        return String(text)
    }
}
