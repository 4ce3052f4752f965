import Crops
import Datasets
import Detector
import Evaluation
import Foundation
import JobModel
import DetectionMetrics
import Testing
import Video

/// Runs that cannot be, and runs of another kind.
@Suite struct RunTests {
    private static let quick = EvaluationOptions(sampling: Sampling(count: 2), resamples: 10, worstErrors: 0)

    private static func failure(_ clips: [EvaluationClip], options: EvaluationOptions = quick) async throws -> EvaluationError? {
        do {
            _ = try await EvaluationRun(checkpoint: LabelledClips.checkpoint(), threads: 1, options: options).run(clips, date: Date())
            return nil
        } catch let error as EvaluationError {
            return error
        }
    }

    @Test func bothLabelsAreNeeded() async throws {
        let clips = try LabelledClips.all()
        for label in EvaluationClip.Label.allCases {
            let error = try await Self.failure(clips.filter { $0.label != label })
            guard case .missingLabel(label) = error else { Issue.record("\(String(describing: error))"); continue }
            #expect("\(String(describing: error))".contains(label.rawValue))
        }
    }

    @Test func oneFileHasOneLabel() async throws {
        var clips = try LabelledClips.all()
        var again = clips[0]
        again.label = .fake
        again.name = "fake/again"
        guard case .twoLabels(let path) = try await Self.failure(clips + [again]) else { Issue.record("no error"); return }
        #expect(path == clips[0].path)
        var same = clips
        same[0].sha256 = "ab"
        same[3].sha256 = "ab"
        guard case .twoLabels(let paths) = try await Self.failure(same) else { Issue.record("no error"); return }
        #expect(paths.contains("the same bytes"))
        clips.append(clips[0])
        guard case .invalid(let words) = try await Self.failure(clips) else { Issue.record("no error"); return }
        #expect(words.contains("twice"))
    }

    @Test(arguments: [
        EvaluationOptions(robustness: [RobustnessCell(crf: 60)]), EvaluationOptions(robustness: [RobustnessCell(crf: 20, frameShare: 0.7)]),
        EvaluationOptions(resamples: 0), EvaluationOptions(targetError: 2), EvaluationOptions(bins: 0),
    ])
    func optionsThatMakeNoSense(_ options: EvaluationOptions) async throws {
        guard case .invalid = try await Self.failure(LabelledClips.all(), options: options) else { Issue.record("no error"); return }
    }

    /// Nothing of one label can be judged: the report says so, and invents no rate.
    @Test func nothingJudgedOfOneLabel() async throws {
        let clips = try LabelledClips.all().filter { ["real/real-1", "fake/fake-nobody"].contains($0.name) }
        let report = try await EvaluationRun(checkpoint: LabelledClips.checkpoint(), threads: 1, options: Self.quick).run(clips, date: Date()).report
        #expect(report.overall[.auc]?.value == nil && report.roc.isEmpty && report.unjudged.count == 1)
        #expect(report.groups.count == 1 && report.overall[.accuracy]?.overGroups == nil)
        #expect(report.notes.contains { $0.contains("one group") })
        #expect(!ReportPage(.init(report: report, sheets: [])).html.isEmpty)
    }

    @Test func missingFilesAreListed() async throws {
        var clips = try LabelledClips.all().filter { ["real/real-1", "fake/fake-1"].contains($0.name) }
        clips.append(EvaluationClip(path: "/nonexistent/clip.mp4", name: "real/gone", label: .real, method: "real", group: "three"))
        let report = try await EvaluationRun(checkpoint: LabelledClips.checkpoint(), threads: 1, options: Self.quick).run(clips, date: Date()).report
        #expect(report.unjudged.map(\.name) == ["real/gone"] && report.unjudged[0].why.contains("unreadable_input"))
    }

    /// A model of whole frames: nobody is looked for to be judged, but the shortcut checks still find the face to blank.
    @Test func wholeFrames() async throws {
        let clips = try LabelledClips.all().filter { $0.name != "real/real-broken" }
        var options = Self.quick
        options.shortcuts = true
        options.explanations = true
        options.explanationClips = 2
        let report = try await EvaluationRun(checkpoint: LabelledClips.checkpoint(region: .frame), threads: 1, options: options)
            .run(clips, date: Date()).report
        #expect(report.overall.counts.judged == 5 && report.clips.allSatisfy { $0.facePixels == nil })
        #expect(report.shortcuts?.withoutFace == 1 && report.explanations?.sum.passed == true)
    }

    /// Reals blended into themselves: every map has a mask, and a model of whole frames has none.
    @Test func mapsAgainstBlendedMasks() async throws {
        let folder = FileManager.default.temporaryDirectory.path + "/whorl-masks-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let clips = try LabelledClips.all().filter { ["real/real-1", "fake/fake-1"].contains($0.name) }
        let rules = SourceRules(label: .real)
        let dataset = try await DatasetIndexer().index(
            DatasetIndexer.Request(
                folders: [clips[0].path], output: folder, rules: rules, settings: CropSettings(framesPerClip: 3), threads: 1))
        var options = Self.quick
        options.explanations = true
        options.explanationClips = 0
        let masks = try BlendedMasks(dataset)
        let run = try EvaluationRun(checkpoint: LabelledClips.checkpoint(), threads: 1, options: options)
        let report = try #require(try await run.run(clips, masks: masks, date: Date()).report.explanations?.masks)
        #expect(report.clips == 1 && report.skipped == 0 && report.frames == 3 && report.overlap.count == 3)
        let share = try #require(report.overlap.maskShare)
        #expect(share > 0.005 && share < 0.8 && report.auc != nil && report.meanRise != 0)

        let whole = try CropDatasetWriter(path: folder + "-whole", settings: CropSettings(wholeFrames: true))
        defer { try? FileManager.default.removeItem(atPath: folder + "-whole") }
        try whole.finish()
        let wholeFrames = try CropDataset.open(path: folder + "-whole")
        #expect { try BlendedMasks(wholeFrames) } throws: { "\($0)".contains("--whole-frames") }

        let frames = try EvaluationRun(checkpoint: LabelledClips.checkpoint(region: .frame), threads: 1, options: options)
        await #expect { try await frames.run(clips, masks: masks, date: Date()) } throws: { "\($0)".contains("whole frames") }
        options.explanations = false
        let without = try EvaluationRun(checkpoint: LabelledClips.checkpoint(), threads: 1, options: options)
        await #expect { try await without.run(clips, masks: masks, date: Date()) } throws: { "\($0)".contains("not asked for") }
    }

    /// The same as what serves: a clip's logit is the analyzer's.
    @Test func sameSeedSameReport() async throws {
        let clips = try LabelledClips.all().filter { ["real/real-1", "fake/fake-1"].contains($0.name) }
        let date = Date(timeIntervalSince1970: 0)
        let one = try await EvaluationRun(checkpoint: LabelledClips.checkpoint(), threads: 1, options: Self.quick).run(clips, date: date)
        let other = try await EvaluationRun(checkpoint: LabelledClips.checkpoint(), threads: 2, options: Self.quick).run(clips, date: date)
        #expect(one.report == other.report)
    }

    @Test func aReportThatCannotBeWrittenLeavesNothing() async throws {
        let product = try await LabelledClips.run()
        let folder = FileManager.default.temporaryDirectory.path + "/whorl-unwritable-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        // A folder where the page should go: the last rename fails.
        try FileManager.default.createDirectory(atPath: "\(folder)/evaluation.html/x", withIntermediateDirectories: true)
        #expect(throws: EvaluationError.self) { try ReportFolder.write(product, to: folder) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).allSatisfy { !$0.hasSuffix(".partial") })
        #expect(throws: EvaluationError.self) { try ReportFolder.write(product, to: "/dev/null/report") }
    }
}
