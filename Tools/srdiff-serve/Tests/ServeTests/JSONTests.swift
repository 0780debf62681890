import ServeHTTP
import Testing

@Suite("JSON")
struct JSONTests {
    @Test("texts are escaped, numbers without a value become null")
    func text() {
        let json = JSON.object([
            ("a\"", .string("\u{1}\n\\ä€")), ("b", .array([.int(-1), .number(.infinity), .bool(true), .null])),
        ])
        #expect(json.text == #"{"a\"":"\u0001\n\\ä€","b":[-1,null,true,null]}"#)
    }
}
