import SRDImage

extension LPIPS {
    /// Features of five views of an image: four crops at offsets that are not multiples of AlexNet's stride of 4, and a
    /// bicubic resize by 1.5.
    public struct ShiftedFeatures: Sendable {
        fileprivate let views: [Features]
    }

    /// Pixels that the crops leave out along each axis.
    private static let shiftedMargin = 8

    /// The smallest side of an image that has shifted features.
    public static let leastShiftedSide = leastSide + shiftedMargin

    /// Returns an image's shifted features, or nil if a side is below `leastShiftedSide`. The image has 8 bits, gray or
    /// RGB.
    public func shiftedFeatures(of image: Image, threads: Int = 1) -> ShiftedFeatures? {
        guard min(image.width, image.height) >= Self.leastShiftedSide else { return nil }
        let width = image.width - Self.shiftedMargin, height = image.height - Self.shiftedMargin
        var views = [(x: 2, y: 1), (x: 3, y: 2), (x: 1, y: 3), (x: 2, y: 2)].map {
            image.cropped(x: $0.x, y: $0.y, width: width, height: height)
        }
        views.append(image.resized(width: image.width * 3 / 2, height: image.height * 3 / 2))
        return ShiftedFeatures(views: views.compactMap { features(of: $0, threads: threads) })
    }

    /// Returns the mean LPIPS over the views of two images of equal size.
    ///
    /// A network trained on LPIPS can learn a grid that is aligned to AlexNet's stride: its images have a lower LPIPS
    /// than shifted LPIPS.
    public func distance(_ a: ShiftedFeatures, _ b: ShiftedFeatures) -> Double {
        zip(a.views, b.views).reduce(0) { $0 + distance($1.0, $1.1) } / Double(a.views.count)
    }
}
