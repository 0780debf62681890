// swift-tools-version: 6.0
import PackageDescription

// A package of its own: who builds srdiff-upscale or uses the library fetches no web server and needs no
// libsqlite3-dev.

let package = Package(
    name: "srdiff-serve",
    dependencies: [
        .package(name: "srdiff-edge", path: "../.."),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
        .package(url: "https://github.com/swhitty/FlyingFox", .upToNextMinor(from: "0.27.1")),
    ],
    targets: [
        .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(name: "CMalloc"),
        .target(name: "ServeHTTP", dependencies: [.product(name: "FlyingSocks", package: "FlyingFox")]),
        .target(
            name: "Serve",
            dependencies: ["CMalloc", "CSQLite", "ServeHTTP", .product(name: "SRDiff", package: "srdiff-edge")],
            resources: [
                .embedInCode("Resources/index.html"), .embedInCode("Resources/app.css"),
                .embedInCode("Resources/app.js"),
                .embedInCode("Resources/icon.svg"), .embedInCode("Resources/openapi.json"),
            ]
        ),
        .executableTarget(
            name: "srdiff-serve",
            dependencies: ["Serve", .product(name: "ArgumentParser", package: "swift-argument-parser")]
        ),
        .testTarget(name: "ServeTests", dependencies: ["Serve", "ServeHTTP"]),
    ]
)
