/// XMP packets: RDF in XML. Packets are kept byte for byte; texts of this software are inserted as one more
/// description.
enum XMP {
    private static let namespace = "urn:srdiff:text:1.0:"

    /// The packet in a PNG text chunk, or nil. Compressed packets are inflated up to 16 MB.
    static func packet(_ chunk: ImageMetadata.Chunk) -> [UInt8]? {
        let data = chunk.data
        let keyword = ImageMetadata.xmpKeyword.utf8
        // keyword NUL is-compressed method language NUL translated-keyword NUL packet
        guard data.starts(with: keyword), data.count >= keyword.count + 5, data[keyword.count] == 0,
            let language = data[(keyword.count + 3)...].firstIndex(of: 0),
            let translated = data[(language + 1)...].firstIndex(of: 0)
        else { return nil }
        let packet = data[(translated + 1)...]
        return data[keyword.count + 1] == 0 ? Array(packet) : inflated(packet, limit: ImageMetadata.profileLimit)
    }

    /// The packet with these texts as properties, or nil if it is not RDF. Makes a packet where there is none.
    /// Texts whose keyword is not an XML name are left out.
    static func adding(_ texts: [ImageText], to packet: [UInt8]?) -> [UInt8]? {
        let properties = texts.compactMap { text in
            text.text.flatMap {
                isName(text.keyword) ? "<srdiff:\(text.keyword)>\(escaped($0))</srdiff:\(text.keyword)>" : nil
            }
        }
        guard !properties.isEmpty else { return packet }
        let description =
            #"<rdf:Description rdf:about="" xmlns:srdiff="\#(namespace)">"#
            + properties.joined() + "</rdf:Description>"
        guard let packet else {
            return Array(
                (#"<?xpacket begin="\#u{feff}" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">"#
                    + #"<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">"# + description
                    + #"</rdf:RDF></x:xmpmeta><?xpacket end="w"?>"#).utf8)
        }
        guard let end = last("</rdf:RDF>", in: packet) else { return nil }
        return packet[..<end] + Array(description.utf8) + packet[end...]
    }

    /// The texts that `adding` stored. The scan takes time proportional to the packet's size.
    static func texts(in packet: [UInt8]) -> [ImageText] {
        var texts: [ImageText] = []
        var rest = packet[...]
        while let start = first("<srdiff:", in: rest) {
            rest = rest[(start + 8)...]
            guard let end = rest.firstIndex(of: UInt8(ascii: ">")) else { break }
            let keyword = String(decoding: rest[..<end], as: UTF8.self)
            rest = rest[(end + 1)...]
            guard isName(keyword), let close = rest.firstIndex(of: UInt8(ascii: "<")) else { continue }
            texts.append(
                ImageText(
                    kind: .xmp, keyword: keyword, text: unescaped(String(decoding: rest[..<close], as: UTF8.self))))
            rest = rest[close...]
        }
        return texts
    }

    private static func isName(_ keyword: String) -> Bool {
        guard let first = keyword.utf8.first, keyword.utf8.count <= 79 else { return false }
        func isLetter(_ byte: UInt8) -> Bool { (65...90).contains(byte) || (97...122).contains(byte) }
        return isLetter(first)
            && keyword.utf8.allSatisfy { isLetter($0) || (48...57).contains($0) || $0 == 45 || $0 == 46 || $0 == 95 }
    }

    /// Characters that XML 1.0 does not allow are dropped.
    private static func escaped(_ text: String) -> String {
        var out = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": out += "&amp;"
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            case "\r": out += "&#13;"
            case "\t", "\n", " "...: out.unicodeScalars.append(scalar)
            default: break
            }
        }
        return out
    }

    private static func unescaped(_ text: String) -> String {
        let entities = ["lt": "<", "gt": ">", "#13": "\r", "quot": "\"", "apos": "'", "amp": "&"]
        var parts = text.split(separator: "&", omittingEmptySubsequences: false)[...]
        var out = String(parts.removeFirst())
        for part in parts {
            let fields = part.split(separator: ";", maxSplits: 1, omittingEmptySubsequences: false)
            if fields.count == 2, let character = entities[String(fields[0])] {
                out += character + fields[1]
            } else {
                out += "&" + part
            }
        }
        return out
    }

    private static func first(_ text: String, in bytes: ArraySlice<UInt8>) -> Int? {
        let pattern = Array(text.utf8)
        guard bytes.count >= pattern.count else { return nil }
        return (bytes.startIndex...bytes.endIndex - pattern.count).first { matches(pattern, bytes, at: $0) }
    }

    private static func last(_ text: String, in bytes: [UInt8]) -> Int? {
        let pattern = Array(text.utf8)
        guard bytes.count >= pattern.count else { return nil }
        return (0...bytes.count - pattern.count).last { matches(pattern, bytes[...], at: $0) }
    }

    private static func matches(_ pattern: [UInt8], _ bytes: ArraySlice<UInt8>, at start: Int) -> Bool {
        pattern.indices.allSatisfy { bytes[start + $0] == pattern[$0] }
    }
}
