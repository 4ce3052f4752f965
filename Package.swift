// swift-tools-version: 6.1
import PackageDescription

let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let lifecycle: [Target.Dependency] = [
    .product(name: "AsyncAlgorithms", package: "swift-async-algorithms"),
    .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
]
let swift6: [SwiftSetting] = [.enableUpcomingFeature("ExistentialAny")]

/// One floor of the plan in ARCHITECTURE.md a block; a target imports only targets of lower floors.
/// Tests/TidyTests holds this file against that plan.
let package = Package(
    name: "whorl",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "whorl", targets: ["whorl"]),
        .executable(name: "whorl-gateway", targets: ["whorl-gateway"]),
        .executable(name: "whorl-worker", targets: ["whorl-worker"]),
        .executable(name: "whorl-decoder", targets: ["whorl-decoder"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
        .package(url: "https://github.com/apple/swift-async-algorithms", from: "1.0.0"),
        .package(
            url: "https://github.com/apple/swift-configuration", from: "1.0.0",
            traits: [.defaults, "CommandLineArguments"]),
        .package(url: "https://github.com/apple/swift-crypto", "3.12.0"..<"5.0.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.3.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.80.0"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.20.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.30.0"),
        .package(url: "https://github.com/apple/swift-system", from: "1.4.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.10.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.25.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.6.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.0.0"),
    ],
    targets: [
        // F0: system libraries and our own C.
        .systemLibrary(name: "CFile"),
        .systemLibrary(name: "CHiredis", providers: [.apt(["libhiredis-dev"])]),
        .systemLibrary(name: "CLibav", providers: [.apt(["libavformat-dev", "libavcodec-dev", "libswscale-dev"])]),
        .systemLibrary(name: "CLibpq", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
        .systemLibrary(name: "CProcess"),
        .systemLibrary(name: "CSeccomp", pkgConfig: "libseccomp", providers: [.apt(["libseccomp-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        // -O3 in every configuration: an unoptimised kernel is a hundred times too slow to test with.
        .target(name: "CKernels", cSettings: [.unsafeFlags(["-O3"])]),

        // F1: values, rules, arithmetic; no I/O but what reads the settings.
        .target(name: "JobModel", swiftSettings: swift6),
        .target(name: "ThreadExecutor", swiftSettings: swift6),
        .target(name: "DetectionMetrics", swiftSettings: swift6),
        .target(name: "NeuralCore", dependencies: ["CKernels", "COpenBLAS"], swiftSettings: swift6),
        .target(
            name: "Settings",
            dependencies: [
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: swift6),

        // F2: one outside thing each.
        .target(name: "RedisClient", dependencies: ["CHiredis", "ThreadExecutor", logging], swiftSettings: swift6),
        .target(name: "PostgresClient", dependencies: ["CLibpq", "ThreadExecutor", logging], swiftSettings: swift6),
        .target(name: "Video", dependencies: ["JobModel", "CLibav", "CProcess", "CSeccomp"], swiftSettings: swift6),
        .target(
            name: "Detector",
            dependencies: ["NeuralCore", "CZlib", .product(name: "Crypto", package: "swift-crypto")],
            resources: [
                .copy("Resources/face-detector.safetensors"), .copy("Resources/face-detector.LICENSE"),
                .copy("Resources/face-mesh.safetensors"), .copy("Resources/face-mesh.LICENSE"),
            ],
            swiftSettings: swift6),
        .target(
            name: "UploadStore",
            dependencies: [
                "JobModel", "Settings", "CFile",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOFoundationCompat", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: swift6),
        .target(
            name: "Outbound",
            dependencies: [
                "Settings",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: swift6),
        .target(
            name: "Telemetry", dependencies: [logging], swiftSettings: swift6),

        // F3: what Whorl is about.
        .target(
            name: "JobStore",
            dependencies: [
                "JobModel", "PostgresClient", "RedisClient", "Telemetry",
                .product(name: "Crypto", package: "swift-crypto"),
                logging,
            ],
            swiftSettings: swift6),
        .target(
            name: "Analysis", dependencies: ["JobModel", "ThreadExecutor", "NeuralCore", "Video", "Detector"],
            swiftSettings: swift6),
        .target(name: "Crops", dependencies: ["CFile", "NeuralCore", "Video"], swiftSettings: swift6),
        .target(name: "Augmentation", dependencies: ["CKernels", "NeuralCore", "Video"], swiftSettings: swift6),

        // F4: the two servers as libraries, and what makes and judges models.
        .target(
            name: "GatewayApp",
            dependencies: [
                "JobModel", "JobStore", "UploadStore", "Outbound", "Telemetry", "Settings", "PostgresClient", "RedisClient", "CZlib",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HummingbirdHTTP2", package: "hummingbird"),
                .product(name: "JWTKit", package: "jwt-kit"),
                .product(name: "NIOFoundationCompat", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                logging,
            ] + lifecycle,
            resources: [.embedInCode("Resources/openapi.yaml")],
            swiftSettings: swift6),
        .target(
            name: "WorkerApp",
            dependencies: [
                "JobModel", "JobStore", "UploadStore", "Outbound", "Analysis", "Telemetry", "Settings", "PostgresClient", "RedisClient",
                "Detector", "NeuralCore", "Video",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOPosix", package: "swift-nio"),
                logging,
            ] + lifecycle,
            swiftSettings: swift6),

        .target(
            name: "Datasets",
            dependencies: [
                "JobModel", "ThreadExecutor", "Analysis", "Augmentation", "Crops", "Detector", "NeuralCore", "Video",
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: swift6),
        .target(
            name: "Training",
            dependencies: [
                "CKernels", "Augmentation", "Crops", "Detector", "DetectionMetrics", "NeuralCore", "Video",
                .product(name: "Crypto", package: "swift-crypto"), .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: swift6),
        .target(
            name: "Evaluation",
            dependencies: [
                "JobModel", "Analysis", "Augmentation", "Crops", "Detector", "DetectionMetrics", "NeuralCore", "ThreadExecutor", "Video",
            ],
            swiftSettings: swift6),

        // F5: executables.
        .executableTarget(name: "whorl-gateway", dependencies: ["GatewayApp"], swiftSettings: swift6),
        .executableTarget(name: "whorl-worker", dependencies: ["WorkerApp"], swiftSettings: swift6),
        .executableTarget(name: "whorl-decoder", dependencies: ["Video", "CProcess"], swiftSettings: swift6),
        .executableTarget(
            name: "whorl",
            dependencies: [
                "JobModel", "JobStore", "Analysis", "Telemetry", "PostgresClient", "Detector", "NeuralCore", "Video",
                "Crops", "Datasets", "Evaluation", "DetectionMetrics", "Training", "ThreadExecutor", logging,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: swift6),

        // Tests, and what they share.
        .target(
            name: "TestServers", dependencies: ["PostgresClient", "RedisClient", logging], path: "Tests/TestServers",
            swiftSettings: swift6),
        .testTarget(name: "TidyTests"),
        .testTarget(name: "JobModelTests", dependencies: ["JobModel"]),
        .testTarget(name: "ThreadExecutorTests", dependencies: ["ThreadExecutor", "TestServers"]),
        .target(name: "CAllocationCounter", path: "Tests/CAllocationCounter"),
        .testTarget(name: "NeuralCoreTests", dependencies: ["NeuralCore", "CKernels", "CAllocationCounter"]),
        .testTarget(name: "RedisClientTests", dependencies: ["RedisClient", "TestServers", logging]),
        .testTarget(name: "PostgresClientTests", dependencies: ["PostgresClient", "TestServers", logging]),
        .executableTarget(name: "whorl-jail-probe", dependencies: ["Video", "CProcess", "CAttempts"], path: "Tests/JailProbe"),
        .target(name: "CAttempts", path: "Tests/CAttempts"),
        .executableTarget(
            name: "whorl-scripted-worker",
            dependencies: ["JobModel", "JobStore", "WorkerApp", "Settings", .product(name: "Crypto", package: "swift-crypto")],
            path: "Tests/ScriptedWorker", swiftSettings: swift6),
        .testTarget(name: "VideoTests", dependencies: ["Video", "JobModel", "whorl-decoder", "whorl-jail-probe"]),
        .testTarget(
            name: "DetectorTests", dependencies: ["Detector", "NeuralCore", "Training", "CZlib"], resources: [.copy("Fixtures")]),
        .testTarget(name: "SettingsTests", dependencies: ["Settings"]),
        .testTarget(name: "OutboundTests", dependencies: ["Outbound", "TestServers", .product(name: "NIOHTTP1", package: "swift-nio")]),
        .testTarget(
            name: "UploadStoreTests",
            dependencies: [
                "UploadStore", "JobModel", "TestServers", .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            exclude: ["moto_store.py", "botocore_signatures.py"]),
        .testTarget(
            name: "JobStoreTests", dependencies: ["JobStore", "JobModel", "PostgresClient", "RedisClient", "TestServers"]),
        .testTarget(name: "DetectionMetricsTests", dependencies: ["DetectionMetrics", "NeuralCore"], resources: [.copy("Fixtures")]),
        .testTarget(name: "CropsTests", dependencies: ["Crops", "Video"]),
        .testTarget(
            name: "AugmentationTests", dependencies: ["Augmentation", "Analysis", "Detector", "NeuralCore", "Video"],
            resources: [.copy("Fixtures")]),
        .testTarget(name: "DatasetsTests", dependencies: ["Datasets", "Augmentation", "Crops", "Video", "whorl-decoder"]),
        .target(
            name: "TinyTraining", dependencies: ["Training", "Crops", "Detector", "NeuralCore", "Video"], path: "Tests/TinyTraining",
            swiftSettings: swift6),
        .executableTarget(
            name: "whorl-training-probe", dependencies: ["TinyTraining", "Training"], path: "Tests/TrainingProbe", swiftSettings: swift6),
        .testTarget(
            name: "TrainingTests",
            dependencies: [
                "Training", "Augmentation", "Crops", "Detector", "DetectionMetrics", "NeuralCore", "Video", "TinyTraining", "whorl-training-probe",
            ],
            resources: [.copy("Fixtures")]),
        .testTarget(
            name: "EvaluationTests",
            dependencies: [
                "Evaluation", "Analysis", "Crops", "Datasets", "JobModel", "DetectionMetrics", "Detector", "NeuralCore", "Video", "whorl-decoder",
            ]),
        .testTarget(name: "AnalysisTests", dependencies: ["Analysis", "Detector", "JobModel", "NeuralCore", "Video"]),
        .testTarget(name: "GatewayAppTests", dependencies: ["GatewayApp", "Telemetry"]),
        .testTarget(name: "WorkerAppTests", dependencies: ["WorkerApp", "JobModel", "JobStore"]),
        .testTarget(
            name: "PairTests",
            dependencies: [
                "JobModel", "JobStore", "PostgresClient", "RedisClient", "TestServers", "whorl", "whorl-gateway", "whorl-worker",
                "whorl-decoder", "whorl-scripted-worker", .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOFoundationCompat", package: "swift-nio"), .product(name: "JWTKit", package: "jwt-kit"),
                .product(name: "Crypto", package: "swift-crypto"),
            ]),
        .testTarget(
            name: "WhorlTests", dependencies: ["JobModel", "NeuralCore", "PostgresClient", "TestServers", "whorl", "whorl-decoder"]),
    ],
    swiftLanguageModes: [.v6]
)
