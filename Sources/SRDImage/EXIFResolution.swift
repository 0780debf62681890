/// The resolution of the image and of the focal plane, as RATIONAL entries.
extension EXIF {
    /// Multiplies the resolution of the image and of the focal plane, where they are present.
    mutating func scaleResolution(x: Double, y: Double) {
        let tags = [(Directory.main, 0x011a, x), (.main, 0x011b, y), (.exif, 0xa20e, x), (.exif, 0xa20f, y)]
        for (directory, tag, factor) in tags {
            for entry in entries(of: directory) where entry.tag == tag && entry.type == 5 && entry.count == 1 {
                scaleRational(at: entry.values.lowerBound, by: factor)
            }
        }
    }

    private mutating func scaleRational(at position: Int, by factor: Double) {
        guard let (numerator, denominator) = rational(at: position) else { return }
        // A fractional factor is given three decimal places if there is room for them.
        let exact = Double(numerator) * factor
        let precision = exact == exact.rounded() ? 1 : 1000
        if exact * Double(precision) <= Double(UInt32.max), denominator * precision <= Int(UInt32.max) {
            set(Int((exact * Double(precision)).rounded()), at: position, size: 4)
            set(denominator * precision, at: position + 4, size: 4)
        } else {
            set(Int(min(exact.rounded(), Double(UInt32.max))), at: position, size: 4)
        }
    }

    /// The resolution of the main image, in pixels per metre.
    var density: PixelDensity? {
        func resolution(_ tag: Int) -> Double? {
            guard let entry = entries(of: .main).first(where: { $0.tag == tag && $0.type == 5 }),
                let (numerator, denominator) = rational(at: entry.values.lowerBound), denominator > 0
            else { return nil }
            return Double(numerator) / Double(denominator)
        }
        // Unit 1 has no absolute size, 2 is inches (the default), 3 centimetres.
        let perMetre: Double? =
            switch value(0x0128, in: .main) ?? 2 {
            case 2: 1 / 0.0254
            case 3: 100
            default: nil
            }
        guard let perMetre, let x = resolution(0x011a), let y = resolution(0x011b) else { return nil }
        let values = [x * perMetre, y * perMetre].map { $0.rounded() }
        guard values.allSatisfy({ $0 >= 1 && $0 <= Double(Int32.max) }) else { return nil }
        return PixelDensity(x: UInt32(values[0]), y: UInt32(values[1]), isPerMetre: true)
    }

    private func rational(at position: Int) -> (numerator: Int, denominator: Int)? {
        guard let numerator = number(at: position, size: 4), let denominator = number(at: position + 4, size: 4) else {
            return nil
        }
        return (numerator, denominator)
    }
}
