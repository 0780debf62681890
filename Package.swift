// swift-tools-version: 6.0
import PackageDescription

/// `srdiff-NAME`, in its own folder under Tools/: a library on swift-argument-parser and ToolSupport, and a program
/// that runs its command.
func tool(_ name: String, _ libraries: Target.Dependency...) -> [Target] {
    let folder = "Tools/srdiff-\(name.lowercased())"
    return [
        .target(
            name: "\(name)Tool", dependencies: ["ToolSupport", argumentParser()] + libraries, path: folder,
            exclude: ["Main", "README.md"]),
        .executableTarget(
            name: "srdiff-\(name.lowercased())", dependencies: ["ToolSupport", .target(name: "\(name)Tool")],
            path: "\(folder)/Main"),
    ]
}

func tests(_ name: String, _ libraries: Target.Dependency...) -> Target {
    .testTarget(name: name, dependencies: ["TestSupport"] + libraries)
}

// A function, because Swift 6.0 isolates a manifest's variables to the main actor.
func argumentParser() -> Target.Dependency { .product(name: "ArgumentParser", package: "swift-argument-parser") }

let package = Package(
    name: "srdiff-edge",
    products: [
        .library(name: "SRDiff", targets: ["SRDiff"]),
        // For programs that quantize and evaluate models themselves; upscaling needs neither.
        .library(name: "SRDQuantizer", targets: ["SRDQuantizer", "SRDFile"]),
        .library(name: "SRDMetrics", targets: ["SRDMetrics"]),
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
        tests("SRDiffTests", "SRDiff"),
    ]
)

let tools: [[Target]] = [
    tool("Upscale", "SRDFile", "SRDTensor", "SRDMetrics", "SRDiff"),
    tool("Join", "SRDFile", "SRDiff"),
    tool("Interpolate", "SRDFile", "SRDiff"),
    tool("Fuse", "SRDFile", "SRDiff"),
    tool("Quantize", "SRDFile", "SRDCheckpoint", "SRDQuantizer", "SRDMetrics", "SRDiff"),
    tool("Evaluate", "SRDFile", "SRDQuantizer", "SRDMetrics", "SRDiff"),
    tool("Bench", "CSRDKernels", "SRDFile", "SRDTensor", "SRDQuantizer", "SRDiff"),
    tool("Inspect", "SRDTensor", "SRDFile", "SRDCheckpoint", "SRDiff"),
]

// Tools/fuzz and Tools/sanitize set this to "address" or "thread". They build the fuzzer, which a normal build could
// not link, but no tools, whose tests run other programs, and no tests of the kernels, which a C driver calls.
if let sanitizer = Context.environment["SRD_SANITIZE"] {
    if sanitizer == "address" {
        package.targets.append(
            .executableTarget(
                name: "srdiff-fuzz", dependencies: ["FuzzTargets", "SRDFile"], path: "Tools/fuzz",
                exclude: ["README.md", "dictionary", "run"]))
    }
} else {
    let libraries: [Target.Dependency] = tools.map { .target(name: $0[0].name) }
    let programs: [Target.Dependency] = tools.map { .target(name: $0[1].name) }
    package.targets += tools.joined()
    package.targets += [
        .target(
            name: "ToolSupport", dependencies: ["SRDTensor", "SRDFile", "SRDMetrics", "SRDiff", argumentParser()],
            path: "Tools/ToolSupport"),
        // All tools in one program, which Tools/package installs.
        .executableTarget(
            name: "srdiff", dependencies: ["ToolSupport", "SRDiff", argumentParser()] + libraries,
            path: "Tools/srdiff"),
        tests("SRDKernelTests", "CSRDKernels"),
        .testTarget(
            name: "ToolTests",
            dependencies: [
                "TestSupport", "FuzzTargets", "SRDFile", "SRDTensor", "SRDiff", "SRDQuantizer", "ToolSupport", "srdiff",
            ] + programs),
    ]
}

// Tools/docs sets this. A normal build does not fetch the plugin.
if Context.environment["SRD_DOCS"] != nil {
    package.dependencies.append(.package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.4.0"))
}
