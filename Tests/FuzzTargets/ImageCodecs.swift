import SRDImage

public enum ImageCodecs {
    public static let hasJPEG = ImageFormat.jpeg.isAvailable
    public static let hasWebP = ImageFormat.webP.isAvailable
}
