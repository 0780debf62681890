// swift-tools-version: 6.0
import PackageDescription

/// A program whose code stands in the library's documentation.
func program(_ name: String, _ products: String...) -> Target {
    .executableTarget(name: name, dependencies: products.map { .product(name: $0, package: "srdiff-edge") })
}

// A package of its own that uses the library's products as anyone would. Tools/test-library builds and runs it.
let package = Package(
    name: "library-user",
    dependencies: [.package(name: "srdiff-edge", path: "../..")],
    targets: [
        program("upscale", "SRDiff"),
        program("options", "SRDiff"),
        program("quantize", "SRDiff", "SRDQuantizer"),
        program("evaluate", "SRDiff", "SRDMetrics"),
    ]
)
