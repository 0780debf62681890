import ServeHTTP

/// The page and what belongs to it, from the program itself.
enum Pages {
    private struct Page {
        let type: String
        let bytes: [UInt8]
        let tag: String

        init(_ type: String, _ bytes: [UInt8]) {
            self.type = type
            self.bytes = bytes
            var hash: UInt64 = 0xcbf2_9ce4_8422_2325  // FNV-1a: tells versions of the program apart
            for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
            tag = "\"" + String(hash, radix: 16) + "\""
        }
    }

    private static let all: [String: Page] = [
        "": Page("text/html; charset=utf-8", PackageResources.index_html),
        "app.css": Page("text/css; charset=utf-8", PackageResources.app_css),
        "app.js": Page("text/javascript; charset=utf-8", PackageResources.app_js),
        "icon.svg": Page("image/svg+xml", PackageResources.icon_svg),
        "favicon.ico": Page("image/svg+xml", PackageResources.icon_svg),
    ]

    static func response(_ head: HTTPHead) -> HTTPResponse? {
        guard head.path.count == 1, let page = all[head.path[0]] else { return nil }
        var response =
            head.value("if-none-match") == page.tag
            ? HTTPResponse(.notModified) : HTTPResponse(.ok, body: .bytes(page.bytes))
        response.set("Content-Type", page.type)
        response.set("ETag", page.tag)
        response.set("Cache-Control", "no-cache")
        return response
    }
}
