/// A comment or another text of an image file.
public struct ImageText: Equatable, Sendable {
    /// PNG: Latin-1, compressed Latin-1, and UTF-8. `comment` is a JPEG comment, `xmp` a property in an XMP packet
    /// that this software wrote.
    public enum Kind: String, Sendable { case tEXt, zTXt, iTXt, comment, xmp }

    public let kind: Kind
    public let keyword: String
    /// nil if compressed: such texts are kept, but not read.
    public let text: String?

    public init(kind: Kind, keyword: String, text: String?) {
        self.kind = kind
        self.keyword = keyword
        self.text = text
    }
}

extension ImageMetadata {
    /// The keyword under which PNG stores an XMP packet.
    static let xmpKeyword = "XML:com.adobe.xmp"

    /// All texts: PNG's text chunks (without the XMP packet), JPEG's comments, and what `addText` stored in a WebP
    /// file.
    ///
    /// A JPEG comment has the form `keyword: text`; without a keyword it is a "Comment".
    public var texts: [ImageText] {
        chunks.compactMap(ImageText.init).filter { $0.keyword != Self.xmpKeyword }
            + comments.map(ImageText.init(comment:))
            + (xmp.map(XMP.texts(in:)) ?? [])
    }

    /// Removes PNG's texts with a keyword and appends another one in their place at the end.
    public mutating func replaceTexts(keyword: String, with text: String) {
        for chunk in chunks where ImageText(chunk)?.keyword == keyword { remove(chunk) }
        addText(keyword: keyword, text)
    }

    /// Appends a text. It becomes a text chunk in PNG (tEXt, or iTXt if it goes beyond Latin-1), a comment
    /// `keyword: text` in JPEG, and an XMP property in WebP.
    ///
    /// The keyword must be 1 to 79 printable Latin-1 characters. NUL would end the text, so NULs are dropped.
    public mutating func addText(keyword: String, _ text: String) {
        let keyword = keyword.unicodeScalars.map { UInt8($0.value) }
        precondition((1...79).contains(keyword.count) && keyword.allSatisfy { (32...126).contains($0) || $0 >= 161 })
        let scalars = text.unicodeScalars.filter { $0 != "\0" }
        if scalars.allSatisfy({ $0.value < 256 }) {
            add("tEXt", keyword + [0] + scalars.map { UInt8($0.value) })
        } else {
            // NUL, not compressed, method 0, no language, no translated keyword
            add("iTXt", keyword + [0, 0, 0, 0, 0] + String(String.UnicodeScalarView(scalars)).utf8)
        }
    }
}

extension ImageText {
    /// nil if the chunk holds no text, or a damaged one.
    init?(_ chunk: ImageMetadata.Chunk) {
        guard let kind = Kind(rawValue: chunk.type) else { return nil }
        // tEXt: keyword NUL text.  zTXt: keyword NUL method compressed.
        // iTXt: keyword NUL is-compressed method language NUL translated-keyword NUL text.
        let fields = chunk.data.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
        guard fields.count == 2 else { return nil }
        self.kind = kind
        keyword = String(latin1: fields[0])
        switch kind {
        case .tEXt:
            text = String(latin1: fields[1])
        case .iTXt:
            let rest = fields[1].dropFirst(2).split(separator: 0, maxSplits: 2, omittingEmptySubsequences: false)
            guard rest.count == 3, let isCompressed = fields[1].first else { return nil }
            text = isCompressed == 0 ? String(decoding: rest[2], as: UTF8.self) : nil
        case .zTXt, .comment, .xmp:
            text = nil
        }
    }

    /// Splits `keyword: text`. Anything that does not look like a keyword is text.
    init(comment: [UInt8]) {
        let text = String(utf8OrLatin1: comment.filter { $0 != 0 })
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let isKeyword =
            parts.count == 2 && (1...79).contains(parts[0].utf8.count) && parts[1].hasPrefix(" ")
            && parts[0].utf8.allSatisfy { (33...126).contains($0) }
        kind = .comment
        keyword = isKeyword ? String(parts[0]) : "Comment"
        self.text = isKeyword ? String(parts[1].dropFirst()) : text
    }

    /// The inverse of `init(comment:)`; nil without a text.
    var comment: [UInt8]? {
        text.map { Array((keyword == "Comment" ? $0 : "\(keyword): \($0)").utf8) }
    }
}
