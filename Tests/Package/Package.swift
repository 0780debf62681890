// swift-tools-version: 6.0
import PackageDescription

// A package of its own that uses the library's product as anyone would. Tools/test-library builds and runs it.
let package = Package(
    name: "library-user",
    dependencies: [.package(name: "srdiff-edge", path: "../..")],
    targets: [.executableTarget(name: "upscale", dependencies: [.product(name: "SRDiff", package: "srdiff-edge")])]
)
