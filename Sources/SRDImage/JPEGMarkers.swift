/// Names of JPEG markers, the second byte after 0xff (ITU-T T.81, table B.1).
enum JPEGMarker {
    static let startOfImage: UInt8 = 0xd8
    static let endOfImage: UInt8 = 0xd9
    static let startOfScan: UInt8 = 0xda
    static let app0: UInt8 = 0xe0
    static let app1: UInt8 = 0xe1
    static let app2: UInt8 = 0xe2
    static let app13: UInt8 = 0xed
    static let comment: UInt8 = 0xfe
    /// SOF0 to SOF15 without DHT, JPG and DAC.
    static let frames: Set<UInt8> = Set(0xc0...0xcf).subtracting([0xc4, 0xc8, 0xcc])

    static let exifPrefix = Array("Exif\0\0".utf8)
    static let xmpPrefix = Array("http://ns.adobe.com/xap/1.0/\0".utf8)
    static let extendedXMPPrefix = Array("http://ns.adobe.com/xmp/extension/\0".utf8)
    static let profilePrefix = Array("ICC_PROFILE\0".utf8)
    static let photoshopPrefix = Array("Photoshop 3.0\0".utf8)
    /// The greatest payload of a segment: the length field has 16 bits and counts itself.
    static let payloadLimit = 65533

    static func hasLength(_ marker: UInt8) -> Bool {
        !(0xd0...0xd9).contains(marker) && marker != 0x01
    }
}

/// The marker segments of a JPEG file from its start up to the first scan.
struct JPEGSegments: Sequence, IteratorProtocol {
    struct Element {
        let marker: UInt8
        let payload: UnsafeRawBufferPointer
    }

    private let bytes: UnsafeRawBufferPointer
    /// Where the next segment is expected.
    private(set) var position = 2

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// Skips bytes that belong to no segment, as decoders do. nil at the first scan, the end of the image or of the
    /// bytes.
    mutating func next() -> Element? {
        while position + 1 < bytes.count {
            guard bytes[position] == 0xff, bytes[position + 1] != 0, bytes[position + 1] != 0xff else {
                position += 1
                continue
            }
            let marker = bytes[position + 1]
            guard marker != JPEGMarker.startOfScan, marker != JPEGMarker.endOfImage else { return nil }
            guard JPEGMarker.hasLength(marker) else {
                position += 2
                continue
            }
            guard let length = bytes.bigEndian16(at: position + 2), length >= 2,
                let payload = bytes.slice(from: position + 4, count: length - 2)
            else {
                position = bytes.count
                return nil
            }
            position += 2 + length
            return Element(marker: marker, payload: payload)
        }
        position = bytes.count
        return nil
    }

    /// The number of scans up to the end of the image.
    static func scanCount(in bytes: UnsafeRawBufferPointer) -> Int {
        var segments = JPEGSegments(bytes)
        while segments.next() != nil {}
        var count = 0
        var position = segments.position
        while position + 1 < bytes.count {
            if bytes[position] == 0xff {
                if bytes[position + 1] == JPEGMarker.endOfImage { break }
                if bytes[position + 1] == JPEGMarker.startOfScan { count += 1 }
            }
            position += 1
        }
        return count
    }
}

extension UnsafeRawBufferPointer {
    /// The bytes after `prefix`, or nil if they do not start with it.
    func after(_ prefix: [UInt8]) -> UnsafeRawBufferPointer? {
        starts(with: prefix) ? UnsafeRawBufferPointer(rebasing: dropFirst(prefix.count)) : nil
    }
}
