// swift-tools-version: 6.1
import PackageDescription

// Our own parsers of foreign bytes under libFuzzer, for deploy/fuzz.sh, which links their files out of Sources into this package.
let fuzzed: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"), .unsafeFlags(["-sanitize=fuzzer,address", "-O", "-enforce-exclusivity=checked"]),
]
let linked: [LinkerSetting] = [.unsafeFlags(["-sanitize=fuzzer,address", "-use-ld=lld"])]

let package = Package(
    name: "whorl-fuzz",
    platforms: [.macOS(.v15)],
    dependencies: [.package(url: "https://github.com/apple/swift-crypto", "3.12.0"..<"5.0.0")],
    targets: [
        .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas"),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib"),
        .target(name: "CFuzzDriver"),
        .target(name: "CKernels", cSettings: [.unsafeFlags(["-O3"])]),
        .target(name: "JobModel", swiftSettings: fuzzed),
        .target(name: "VideoProtocol", dependencies: ["JobModel"], swiftSettings: fuzzed),
        .target(name: "Multipart", swiftSettings: fuzzed),
        .target(name: "NeuralCore", dependencies: ["CKernels", "COpenBLAS"], swiftSettings: fuzzed),
        .target(
            name: "Detector",
            dependencies: ["NeuralCore", "CZlib", .product(name: "Crypto", package: "swift-crypto")], exclude: ["Resources"],
            swiftSettings: fuzzed),
        .executableTarget(name: "fuzz-answers", dependencies: ["CFuzzDriver", "VideoProtocol", "JobModel"], swiftSettings: fuzzed, linkerSettings: linked),
        .executableTarget(name: "fuzz-checkpoints", dependencies: ["CFuzzDriver", "Detector"], swiftSettings: fuzzed, linkerSettings: linked),
        .executableTarget(name: "fuzz-multipart", dependencies: ["CFuzzDriver", "Multipart"], swiftSettings: fuzzed, linkerSettings: linked),
    ],
    swiftLanguageModes: [.v6]
)
