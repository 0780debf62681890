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
        .library(name: "SRDiff", targets: ["SRDiff", "SRDImage", "SRDFile", "SRDFloat"]),
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
        .target(name: "SRDiff", dependencies: ["SRDTensor", "SRDImage"]),
        .target(name: "SRDFile", dependencies: ["SRDTensor", "SRDiff"], exclude: ["FORMAT.md"]),
        .target(name: "SRDFloat", dependencies: ["CSRDKernels", "SRDTensor", "SRDiff"]),
        .target(name: "SRDCheckpoint", dependencies: ["SRDTensor", "SRDFile"]),
        .target(name: "SRDMetrics", dependencies: ["SRDTensor", "SRDImage"]),
        .target(name: "SRDInt8", dependencies: ["CSRDKernels", "SRDTensor", "SRDiff"]),

        .target(name: "SRDQuantizer", dependencies: ["SRDTensor", "SRDImage", "SRDiff", "SRDFloat", "SRDFile", "SRDMetrics"]),

        // Tools
        .target(
            name: "ToolSupport",
            dependencies: [
                "SRDImage", "SRDFile", "SRDiff", "SRDFloat", "SRDInt8", "SRDCheckpoint",
                .product(name: "ArgumentParser", package: "swift-argument-parser")
            ],
            path: "Tools/ToolSupport"
        ),
        tool("srdiff-upscale", "SRDImage", "SRDiff", "SRDFile", "SRDTensor"),
        tool("srdiff-quantize", "SRDImage", "SRDiff", "SRDFile", "SRDCheckpoint", "SRDInt8", "SRDQuantizer", "SRDMetrics"),
        tool("srdiff-evaluate", "SRDImage", "SRDiff", "SRDFile", "SRDInt8", "SRDQuantizer", "SRDMetrics"),
        tool("srdiff-bench", "CSRDKernels", "SRDImage", "SRDiff", "SRDFile", "SRDTensor", "SRDInt8", "SRDQuantizer"),
        tool("srdiff-inspect", "SRDTensor", "SRDiff", "SRDFile", "SRDCheckpoint"),

        // Tests
        .target(
            name: "TestSupport", dependencies: ["SRDTensor", "SRDFile", "SRDiff", "SRDImage", "SRDQuantizer"],
            path: "Tests/TestSupport"),
        tests("SRDTensorTests", "SRDTensor"),
        tests("SRDImageTests", "SRDImage"),
        tests("SRDFileTests", "SRDFile", "SRDTensor"),
        tests("SRDCheckpointTests", "SRDCheckpoint", "SRDFile", "SRDTensor"),
        tests("SRDiffTests", "SRDiff", "SRDTensor"),
        tests("SRDFloatTests", "SRDFloat", "SRDiff", "SRDImage", "SRDFile", "SRDCheckpoint"),
        tests("SRDInt8Tests", "SRDInt8", "SRDQuantizer", "SRDFloat", "SRDiff", "SRDTensor"),
        tests("SRDQuantizerTests", "SRDQuantizer", "SRDFloat", "SRDiff", "SRDImage", "SRDTensor"),
        tests("SRDMetricsTests", "SRDMetrics", "SRDImage", "SRDFile", "SRDTensor"),
        tests("SRDKernelTests", "CSRDKernels"),
        tests("ToolTests", "ToolSupport", "SRDInt8", "SRDImage", "SRDFile", "SRDiff", "SRDTensor", "srdiff-upscale", "srdiff-evaluate", "srdiff-bench", "srdiff-inspect", "srdiff-quantize"),
    ]
)
