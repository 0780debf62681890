import ToolSupport

extension String {
    /// The text with `&`, `<`, `>` and `"` escaped, as text or an attribute of HTML.
    var html: String {
        var text = ""
        for character in self {
            switch character {
            case "&": text += "&amp;"
            case "<": text += "&lt;"
            case ">": text += "&gt;"
            case "\"": text += "&quot;"
            default: text.append(character)
            }
        }
        return text
    }
}

extension Table {
    var html: String {
        func row(_ tag: String, _ cells: [String]) -> String {
            "<tr>"
                + cells.enumerated().map { i, text in
                    "<\(tag)\(right.contains(i) ? " class=\"r\"" : "")>\(text.html)</\(tag)>"
                }.joined() + "</tr>"
        }
        let body = rows.map { row("td", $0) }.joined(separator: "\n")
        let note = note.isEmpty ? "" : "<p class=\"note\">\(note.html)</p>"
        return """
            <div class="scroll"><table><thead>\(row("th", heading))</thead>
            <tbody>\(body)</tbody></table></div>\(note)
            """
    }
}

extension [UInt8] {
    /// The bytes in base64 (RFC 4648, section 4).
    var base64: String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var out: [UInt8] = []
        out.reserveCapacity((count + 2) / 3 * 4)
        for i in stride(from: 0, to: count, by: 3) {
            let present = Swift.min(3, count - i)
            var group = 0
            for k in 0..<3 { group = group << 8 | (k < present ? Int(self[i + k]) : 0) }
            for k in 0..<4 { out.append(k <= present ? alphabet[group >> (18 - 6 * k) & 63] : UInt8(ascii: "=")) }
        }
        return String(decoding: out, as: UTF8.self)
    }
}
