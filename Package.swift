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
        .library(name: "SRDiff", targets: ["SRDiff"])
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0")
    ],
    targets: [
        // Runtime libraries: no Foundation, no printing, no arguments.
        .target(name: "CSRDKernels", exclude: ["README.md"]),
        .target(name: "CSRDThreads", exclude: ["README.md"]),
        .target(name: "SRDTensor", dependencies: ["CSRDThreads"]),
        .systemLibrary(name: "CLibPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
        .target(name: "CPNG", dependencies: ["CLibPNG"], linkerSettings: [.linkedLibrary("z")]),
        .target(name: "CImageCodecs"),
        .target(name: "CSHA256"),
        .target(name: "SRDImage", dependencies: ["CPNG", "CImageCodecs"]),
        .target(name: "SRDModel", dependencies: ["SRDTensor"]),
        .target(name: "SRDFile", dependencies: ["CSHA256", "SRDTensor", "SRDModel"], exclude: ["FORMAT.md"]),
        .target(name: "SRDCheckpoint", dependencies: ["SRDTensor", "SRDModel", "SRDFile"]),
        .target(
            name: "SRDRuntime", dependencies: ["CSRDKernels", "SRDTensor", "SRDImage", "SRDModel"],
            exclude: ["README.md"]),
        .target(name: "SRDMetrics", dependencies: ["SRDTensor", "SRDImage"]),
        .target(
            name: "SRDQuantizer",
            dependencies: ["SRDTensor", "SRDImage", "SRDModel", "SRDFile", "SRDRuntime", "SRDMetrics"],
            exclude: ["README.md"]),
        .target(
            name: "SRDiff",
            dependencies: ["SRDTensor", "SRDImage", "SRDModel", "SRDFile", "SRDCheckpoint", "SRDRuntime"]),

        // Tools
        .target(
            name: "ToolSupport",
            dependencies: [
                "SRDTensor", "SRDFile", "SRDMetrics", "SRDiff",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Tools/ToolSupport"
        ),
        tool("srdiff-upscale", "SRDFile", "SRDTensor", "SRDMetrics", "SRDiff"),
        tool("srdiff-join", "SRDFile", "SRDiff"),
        tool("srdiff-interpolate", "SRDFile", "SRDiff"),
        tool("srdiff-fuse", "SRDFile", "SRDiff"),
        tool("srdiff-quantize", "SRDFile", "SRDCheckpoint", "SRDQuantizer", "SRDMetrics", "SRDiff"),
        tool("srdiff-evaluate", "SRDFile", "SRDQuantizer", "SRDMetrics", "SRDiff"),
        tool("srdiff-bench", "CSRDKernels", "SRDFile", "SRDTensor", "SRDQuantizer", "SRDiff"),
        tool("srdiff-inspect", "SRDTensor", "SRDFile", "SRDCheckpoint", "SRDiff"),

        // Tests
        .target(
            name: "TestSupport", dependencies: ["SRDTensor", "SRDFile", "SRDModel", "SRDImage", "SRDQuantizer"],
            path: "Tests/TestSupport"),
        // What Tools/fuzz searches and FuzzTests replays.
        .target(
            name: "FuzzTargets",
            dependencies: [
                "SRDTensor", "SRDImage", "SRDModel", "SRDFile", "SRDCheckpoint", "SRDRuntime", "SRDQuantizer",
            ],
            path: "Tests/FuzzTargets"),
        tests("FuzzTests", "FuzzTargets"),
        tests("SRDTensorTests", "SRDTensor"),
        tests("SRDImageTests", "SRDImage"),
        tests("SRDFileTests", "SRDFile", "SRDTensor", "CSHA256"),
        tests("SRDCheckpointTests", "SRDCheckpoint", "SRDFile", "SRDTensor"),
        tests("SRDModelTests", "SRDModel", "SRDTensor"),
        tests(
            "SRDRuntimeTests", "SRDRuntime", "SRDQuantizer", "SRDModel", "SRDImage", "SRDFile", "SRDCheckpoint",
            "SRDTensor"),
        tests("SRDQuantizerTests", "SRDQuantizer", "SRDMetrics", "SRDRuntime", "SRDModel", "SRDImage", "SRDTensor"),
        tests("SRDMetricsTests", "SRDMetrics", "SRDImage", "SRDFile", "SRDTensor"),
        tests("SRDKernelTests", "CSRDKernels"),
        tests("SRDiffTests", "SRDiff"),
        tests(
            "ToolTests", "SRDFile", "SRDTensor", "SRDiff", "SRDQuantizer", "ToolSupport", "srdiff-upscale",
            "srdiff-join",
            "srdiff-interpolate", "srdiff-fuse", "srdiff-evaluate", "srdiff-bench", "srdiff-inspect", "srdiff-quantize"),
    ]
)

// Tools/fuzz and Tools/sanitize set this to "address" or "thread". They build the fuzzer, which a normal build could
// not link, but no tools, whose tests run other programs, and no tests of the kernels, which a C driver calls.
if let sanitizer = Context.environment["SRD_SANITIZE"] {
    let others: Set = ["ToolSupport", "ToolTests", "SRDKernelTests"]
    package.targets.removeAll { $0.name.hasPrefix("srdiff-") || others.contains($0.name) }
    if sanitizer == "address" {
        package.targets.append(
            .executableTarget(
                name: "srdiff-fuzz", dependencies: ["FuzzTargets", "SRDFile"], path: "Tools/fuzz",
                exclude: ["README.md", "dictionary", "run"]))
    }
}
