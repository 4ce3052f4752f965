// swift-tools-version: 6.1
import PackageDescription

// The leaf modules and their suites alone, for deploy/sanitize.sh, which links Sources and Tests into this package. Their declarations are those
// of the tree's own Package.swift, and so are the versions.
let swift6: [SwiftSetting] = [.enableUpcomingFeature("ExistentialAny")]

let package = Package(
    name: "whorl-leaves",
    platforms: [.macOS(.v15)],
    dependencies: [.package(url: "https://github.com/apple/swift-crypto", "3.12.0"..<"5.0.0")],
    targets: [
        .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas"),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib"),
        // No sanitizer sees what the tile instructions of AMX read and write, nor what OpenBLAS and zlib do; all else in the kernels is seen.
        .target(
            name: "CKernels",
            cSettings: [.unsafeFlags(["-O3", "-fsanitize=undefined,float-cast-overflow", "-fno-sanitize-recover=all"])]),
        .target(name: "CVisibleMutex"),
        .target(name: "JobModel", swiftSettings: swift6),
        .target(name: "ThreadExecutor", swiftSettings: swift6),
        .target(name: "NeuralCore", dependencies: ["CKernels", "COpenBLAS"], swiftSettings: swift6),
        .target(
            name: "Detector",
            dependencies: ["NeuralCore", "CZlib", .product(name: "Crypto", package: "swift-crypto")],
            resources: [
                .copy("Resources/face-detector.safetensors"), .copy("Resources/face-detector.LICENSE"),
                .copy("Resources/face-mesh.safetensors"), .copy("Resources/face-mesh.LICENSE"),
            ],
            swiftSettings: swift6),
        .testTarget(name: "JobModelTests", dependencies: ["JobModel"]),
        .testTarget(name: "ThreadExecutorTests", dependencies: ["ThreadExecutor"]),
        .testTarget(
            name: "NeuralCoreTests", dependencies: ["NeuralCore", "CKernels", "CVisibleMutex"],
            // Counts with a malloc of its own, in whose place the sanitizers need theirs.
            exclude: ["AllocationTests.swift"]),
        .testTarget(
            name: "DetectorTests", dependencies: ["Detector", "NeuralCore", "CZlib"], resources: [.copy("Fixtures")]),
    ],
    swiftLanguageModes: [.v6]
)
