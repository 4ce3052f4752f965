import Foundation
import Testing

/// The house rules that a machine can check.
@Suite struct TidyTests {
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// The floor plan of ARCHITECTURE.md: a target imports only targets of lower floors.
    static let floors: [[String]] = [
        ["CFile", "CHiredis", "CLibpq", "CLibav", "COpenBLAS", "CProcess", "CSeccomp", "CZlib", "CKernels"],
        ["JobModel", "ThreadExecutor", "DetectionMetrics", "NeuralCore", "Settings"],
        ["RedisClient", "PostgresClient", "Video", "Detector", "UploadStore", "Outbound", "Telemetry"],
        ["JobStore", "Analysis", "Crops", "Augmentation"],
        ["GatewayApp", "WorkerApp", "Datasets", "Training", "Evaluation"],
        ["whorl-gateway", "whorl-worker", "whorl-decoder", "whorl"],
    ]


    /// The targets and what they depend on, read from Package.swift's own text.
    private func dependencies() throws -> [String: Set<String>] {
        let text = try String(contentsOf: Self.root.appendingPathComponent("Package.swift"), encoding: .utf8)
        let known = Set(Self.floors.joined())
        var found: [String: Set<String>] = [:]
        for declaration in text.components(separatedBy: "arget(").dropFirst() {
            let strings = declaration.split(separator: "\"", omittingEmptySubsequences: false)
                .enumerated().filter { $0.offset % 2 == 1 }.map { String($0.element) }
            guard let name = strings.first else { continue }
            // A declaration's text runs to the next one; products of packages are not among the known names.
            found[name] = Set(strings.dropFirst()).intersection(known).subtracting([name])
        }
        return found
    }

    private func floor(_ target: String) -> Int? {
        Self.floors.firstIndex { $0.contains(target) }
    }

    @Test func importsGoDownTheFloorPlan() throws {
        let dependencies = try dependencies()
        for (target, used) in dependencies {
            guard let height = floor(target) else { continue }
            for other in used {
                let otherHeight = try #require(floor(other))
                #expect(otherHeight < height, "\(target) on floor \(height) depends on \(other) on floor \(otherHeight)")
            }
        }
        // The parsing itself must have seen the real thing.
        #expect(dependencies["JobStore"]?.contains("PostgresClient") == true)
        #expect(dependencies["Analysis"]?.contains("Video") == true)
    }

    @Test func everyFolderOfSourcesIsOnTheFloorPlan() throws {
        let folders = try FileManager.default.contentsOfDirectory(
            atPath: Self.root.appendingPathComponent("Sources").path)
        #expect(Set(folders) == Set(Self.floors.joined()))
    }

    @Test func theGatewayNeverLinksTheNetwork() throws {
        let dependencies = try dependencies()
        var reached: Set<String> = []
        var open = ["GatewayApp", "whorl-gateway"]
        while let target = open.popLast() {
            for other in dependencies[target] ?? [] where reached.insert(other).inserted { open.append(other) }
        }
        #expect(reached.isDisjoint(with: ["Video", "Detector", "NeuralCore", "COpenBLAS", "CLibav", "CKernels"]))
        #expect(reached.contains("JobStore"))
    }

    @Test func sourcesImportOnlyWhatTheirTargetDeclares() throws {
        let dependencies = try dependencies()
        let ours = Set(Self.floors.joined())
        for (path, text) in try sources() {
            let target = String(path.split(separator: "/")[1])
            for line in text.split(separator: "\n") {
                let words = line.split(separator: " ")
                guard let position = words.firstIndex(of: "import"), position <= 1, words.count > position + 1 else { continue }
                let module = String(words[position + 1])
                guard ours.contains(module) else { continue }
                #expect(dependencies[target]?.contains(module) == true, "\(path) imports \(module), which \(target) does not declare")
            }
        }
    }

    /// Swift files under Sources, by their path from the root.
    private func sources() throws -> [(path: String, text: String)] {
        let base = Self.root.appendingPathComponent("Sources")
        return try FileManager.default.subpathsOfDirectory(atPath: base.path).filter { $0.hasSuffix(".swift") }.map {
            ("Sources/" + $0, try String(contentsOf: base.appendingPathComponent($0), encoding: .utf8))
        }
    }

    @Test func noForcedTriesAndNoEmptyCatches() throws {
        for (path, text) in try sources() {
            #expect(!text.contains("try!"), "\(path) forces a try")
            #expect(text.firstRange(of: /catch\s*\{\s*\}/) == nil, "\(path) swallows an error")
            #expect(!text.contains("as!"), "\(path) forces a cast")
        }
    }

    @Test func uncheckedSendableSaysWhatGuardsIt() throws {
        for (path, text) in try sources() {
            let lines = text.components(separatedBy: "\n")
            for (index, line) in lines.enumerated() where line.contains("@unchecked Sendable") && !line.contains("///") {
                let before = lines[max(0, index - 8)..<index].joined(separator: "\n")
                #expect(before.contains("@unchecked Sendable") , "\(path):\(index + 1) does not say what guards it")
            }
        }
    }

    @Test func namesSayWhatThingsAre() throws {
        for (path, _) in try sources() {
            let name = URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
            for word in ["Utils", "Common", "Helpers", "Manager"] {
                #expect(!name.contains(word), "\(path): \(word) is no name")
            }
        }
    }

    @Test func filesAreNotTooLong() throws {
        for (path, text) in try sources() {
            let lines = text.components(separatedBy: "\n").count
            #expect(lines <= 450, "\(path) has \(lines) lines; it does more than one job")
        }
    }

    @Test func everyMigrationHasBothDirections() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: Self.root.appendingPathComponent("migrations").path)
        let ups = Set(names.filter { $0.hasSuffix(".up.sql") }.map { $0.dropLast(7) })
        let downs = Set(names.filter { $0.hasSuffix(".down.sql") }.map { $0.dropLast(9) })
        #expect(ups == downs && !ups.isEmpty)
    }
}
