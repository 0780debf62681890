// swift-tools-version: 6.0
import PackageDescription

/// A tool is its own folder under Tools/, on swift-argument-parser and ToolSupport.
func tool(_ name: String, _ libraries: Target.Dependency...) -> Target {
    .executableTarget(
        name: name,
        dependencies: ["ToolSupport", .product(name: "ArgumentParser", package: "swift-argument-parser")] + libraries,
        path: "Tools/\(name)",
        exclude: ["README.md"]
    )
}

func tests(_ name: String, _ libraries: Target.Dependency...) -> Target {
    .testTarget(name: name, dependencies: ["TestSupport"] + libraries)
}

let package = Package(
    name: "srdiff-edge",
    products: [
        .library(name: "SRDiff", targets: ["SRDModel", "SRDImage", "SRDFile", "SRDFloat"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
    ],
    targets: [
        // Runtime libraries: no Foundation, no printing, no arguments.
        .target(name: "CSRDKernels"),
        .target(name: "CSRDThreads"),
        .target(name: "SRDTensor", dependencies: ["CSRDThreads"]),
        .systemLibrary(name: "CLibPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
        .target(name: "CPNG", dependencies: ["CLibPNG"]),
        .target(name: "SRDImage", dependencies: ["CPNG"]),
        .target(name: "SRDModel", dependencies: ["SRDTensor", "SRDImage"]),
        .target(name: "SRDFile", dependencies: ["SRDTensor", "SRDModel"], exclude: ["FORMAT.md"]),
        .target(name: "SRDFloat", dependencies: ["CSRDKernels", "SRDTensor", "SRDModel"]),
        .target(name: "SRDCheckpoint", dependencies: ["SRDTensor", "SRDModel", "SRDFile"]),
        .target(name: "SRDMetrics", dependencies: ["SRDTensor", "SRDImage"]),
        .target(name: "SRDInt8", dependencies: ["CSRDKernels", "SRDTensor", "SRDModel"]),

        .target(name: "SRDQuantizer", dependencies: ["SRDTensor", "SRDImage", "SRDModel", "SRDFloat", "SRDFile", "SRDMetrics"]),

        // Tools
        .target(
            name: "ToolSupport",
            dependencies: [
                "SRDImage", "SRDFile", "SRDModel", "SRDFloat", "SRDInt8", "SRDCheckpoint", "SRDMetrics",
                .product(name: "ArgumentParser", package: "swift-argument-parser")
            ],
            path: "Tools/ToolSupport"
        ),
        tool("srdiff-upscale", "SRDImage", "SRDModel", "SRDFile", "SRDTensor", "SRDMetrics"),
        tool("srdiff-interpolate", "SRDImage", "SRDModel", "SRDFile"),
        tool("srdiff-fuse", "SRDImage", "SRDModel", "SRDFile"),
        tool("srdiff-quantize", "SRDImage", "SRDModel", "SRDFile", "SRDCheckpoint", "SRDInt8", "SRDQuantizer", "SRDMetrics"),
        tool("srdiff-evaluate", "SRDImage", "SRDModel", "SRDFile", "SRDInt8", "SRDQuantizer", "SRDMetrics"),
        tool("srdiff-bench", "CSRDKernels", "SRDImage", "SRDModel", "SRDFile", "SRDTensor", "SRDInt8", "SRDQuantizer"),
        tool("srdiff-inspect", "SRDTensor", "SRDModel", "SRDFile", "SRDCheckpoint"),

        // Tests
        .target(
            name: "TestSupport", dependencies: ["SRDTensor", "SRDFile", "SRDModel", "SRDImage", "SRDQuantizer"],
            path: "Tests/TestSupport"),
        tests("SRDTensorTests", "SRDTensor"),
        tests("SRDImageTests", "SRDImage"),
        tests("SRDFileTests", "SRDFile", "SRDTensor"),
        tests("SRDCheckpointTests", "SRDCheckpoint", "SRDFile", "SRDTensor"),
        tests("SRDModelTests", "SRDModel", "SRDImage", "SRDTensor"),
        tests("SRDFloatTests", "SRDFloat", "SRDModel", "SRDImage", "SRDFile", "SRDCheckpoint"),
        tests("SRDInt8Tests", "SRDInt8", "SRDQuantizer", "SRDFloat", "SRDModel", "SRDTensor"),
        tests("SRDQuantizerTests", "SRDQuantizer", "SRDMetrics", "SRDFloat", "SRDModel", "SRDImage", "SRDTensor"),
        tests("SRDMetricsTests", "SRDMetrics", "SRDImage", "SRDFile", "SRDTensor"),
        tests("SRDKernelTests", "CSRDKernels"),
        tests(
            "ToolTests", "SRDInt8", "SRDImage", "SRDFile", "SRDModel", "SRDTensor", "ToolSupport", "srdiff-upscale",
            "srdiff-interpolate", "srdiff-fuse", "srdiff-evaluate", "srdiff-bench", "srdiff-inspect", "srdiff-quantize"),
    ]
)
