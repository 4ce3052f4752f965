import Evaluation
import Foundation
import DetectionMetrics
import Testing

#if canImport(FoundationXML)
import FoundationXML
#endif

/// What a run's report holds, and that file and page say the same.
@Suite struct ReportTests {
    @Test func everyClipIsCounted() async throws {
        let report = try await LabelledClips.run().report
        let counts = report.overall.counts
        #expect(counts.reals == 3 && counts.fakes == 3 && counts.judgedReals == 2 && counts.judgedFakes == 2 && counts.groups == 2)
        #expect(report.clips.count == 6)
        #expect(report.unjudged.map(\.name) == ["real/real-broken", "fake/fake-nobody"])
        #expect(report.unjudged[0].why.hasPrefix("not_a_video"))
        #expect(report.unjudged[1].why.contains("no_face"))
        #expect(report.notes.contains { $0.contains("2 of 6 clips could not be judged") })
        #expect(report.notes.contains { $0.contains("never trained") })
        // With the unjudged as wrong calls no rate can be better.
        #expect(report.ofAll.accuracy.count == 6 && report.ofAll.recall.count == 3 && report.ofAll.specificity.count == 3)
        #expect(report.ofAll.accuracy.hits == report.confusion.trueNegatives + report.confusion.truePositives)
        #expect(report.ofAll.auc.reals == 3 && report.ofAll.auc.fakes == 3)
        for clip in report.clips where clip.isJudged {
            #expect(clip.frameLogits.count == 4 && clip.file?.width == 320 && clip.file?.frameCount == 25)
            #expect((clip.facePixels ?? 0) > 60 && (clip.sharpness ?? 0) > 0)
            let mean = clip.frameLogits.reduce(0, +) / 4
            #expect(abs(mean - (clip.logit ?? .nan)) < 1e-9)
        }
    }

    @Test func everyFigureHasItsCounts() async throws {
        let report = try await LabelledClips.run().report
        for subset in [report.overall] + report.methods + report.groups {
            #expect(Set(subset.figures.keys) == Set(Metric.allCases.map(\.rawValue)))
            for metric in Metric.allCases {
                let figure = try #require(subset[metric])
                #expect(figure.reals == subset.counts.judgedReals && figure.fakes == subset.counts.judgedFakes, "\(subset.name) \(metric)")
                guard let interval = figure.overClips, let value = figure.value else { continue }
                #expect(interval.low <= interval.high && interval.resamples + interval.leftOut == 60)
                #expect(value.isFinite)
            }
        }
        #expect(report.methods.map(\.name) == ["Blending", "Nobody"])
        #expect(report.methods[1][.auc]?.value == nil, "no fake of this method was judged")
        #expect(report.groups.map(\.name) == ["one", "two"])
        let accuracy = try #require(report.overall[.accuracy])
        #expect(accuracy.proportion?.count == 4 && accuracy.value == accuracy.proportion?.rate)
    }

    @Test func baselinesAreOfTheSameClips() async throws {
        let report = try await LabelledClips.run().report
        #expect(report.baselines.map(\.name) == ["chance", "bitrate", "resolution", "face_size", "sharpness", "untrained_network"])
        for baseline in report.baselines { #expect(baseline.auc.reals == 2 && baseline.auc.fakes == 2 && baseline.missing == 0) }
        #expect(report.baselines[0].auc.value == 0.5)
        #expect(report.baselines[2].auc.value == 0.5, "all clips have one size")
    }

    @Test func shortcutsRobustnessAndExplanations() async throws {
        let report = try await LabelledClips.run().report
        let shortcuts = try #require(report.shortcuts)
        #expect(shortcuts.faceBlanked.reals == 2 && shortcuts.faceBlanked.fakes == 2 && shortcuts.withoutFace == 0)
        #expect(shortcuts.backgroundOnly.reals + shortcuts.backgroundOnly.fakes + shortcuts.withoutBackground == 4)
        #expect(shortcuts.reencoded.count == 2 && shortcuts.reencoded.clips.map(\.name) == ["real/real-1", "real/real-2"])
        #expect((shortcuts.reencoded.medianChange ?? 1) <= (shortcuts.reencoded.largestChange ?? 0))
        #expect(shortcuts.reencoded.auc.reals == 2 && shortcuts.reencoded.auc.fakes == 2)

        #expect(report.robustness.map(\.cell) == LabelledClips.options.robustness)
        let cell = try #require(report.robustness.first)
        #expect(cell.auc.reals + cell.auc.fakes + cell.lost == 4)
        #expect((cell.meanBitsPerSecond ?? 0) > 0)

        let explanations = try #require(report.explanations)
        #expect(explanations.sum.passed && explanations.sum.clips == 4)
        #expect(explanations.randomisation.map(\.layer) == [
            "head", "layer4.1", "layer4.0", "layer3.1", "layer3.0", "layer2.1", "layer2.0", "layer1.1", "layer1.0", "conv1",
        ])
        #expect(explanations.randomisation.allSatisfy { $0.clips == 2 && $0.frames <= 8 && abs($0.meanCorrelation ?? 0) < 1 })
        let deletion = explanations.deletion
        #expect(deletion.clips == 4 && deletion.draws == 10 && deletion.hottestWins.count == 4)
        #expect(deletion.hottestDrop != nil && deletion.randomDrop != nil && (deletion.randomSpread ?? -1) >= 0)
    }

    @Test func theFileHoldsTheReport() async throws {
        let product = try await LabelledClips.run()
        let folder = FileManager.default.temporaryDirectory.path + "/whorl-report-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try ReportFolder.write(product, to: folder)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == ["evaluation.html", "evaluation.json"])
        let json = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/evaluation.json"))
        #expect(try JSONDecoder().decode(EvaluationReport.self, from: json) == product.report)
        let object = try #require(try JSONSerialization.jsonObject(with: json) as? [String: Any])
        for key in [
            "formatVersion", "created", "model", "options", "overall", "ofAll", "confusion", "classification", "roc", "precisionRecall",
            "reliability", "abstention", "methods", "groups", "baselines", "shortcuts", "robustness",
            "explanations", "unjudged", "worstErrors", "notes", "clips",
        ] {
            #expect(object[key] != nil, "\(key)")
        }
        #expect(product.report.created == "2023-11-14T22:13:20Z")
        // Again over the old one.
        try ReportFolder.write(product, to: folder)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == 2)
    }

    @Test func thePageIsWholeAndByItself() async throws {
        let product = try await LabelledClips.run()
        let page = ReportPage(product).html
        let reader = PageReader()
        let parser = XMLParser(data: Data(page.utf8))
        parser.delegate = reader
        #expect(parser.parse(), "\(String(describing: parser.parserError))")
        #expect(reader.ids.isSuperset(of: [
            "notes", "ranking", "calls", "probabilities", "methods", "groups", "baselines", "shortcuts", "robustness", "explanations", "errors",
            "clips", "model",
        ]))
        #expect(reader.links.allSatisfy { $0.hasPrefix("#") && reader.ids.contains(String($0.dropFirst())) })
        #expect(reader.sources.allSatisfy { $0.hasPrefix("data:image/jpeg;base64,") })
        #expect(reader.sources.count == product.sheets.count)
        #expect(!reader.names.contains("script") && !reader.names.contains("link") && !page.contains("url(") && !page.contains("@import"))
        #expect(reader.untitledPictures == 0)
        #expect(reader.tables == reader.captions)
        // A figure of the file is on the page as it is there.
        let area = try #require(product.report.overall[.auc]?.value)
        #expect(page.contains(String(format: "%.2f", area).replacingOccurrences(of: "0.", with: ".")))
        for note in product.report.notes { #expect(reader.text.contains(note)) }
        for clip in product.report.clips { #expect(reader.text.contains(clip.clip.name)) }
    }

    @Test func worstErrorsHaveTheirSheets() async throws {
        let product = try await LabelledClips.run()
        let wrong = product.report.confusion.falsePositives + product.report.confusion.falseNegatives
        #expect(product.report.worstErrors.count == min(1, wrong))
        #expect(product.sheets.map(\.name) == product.report.worstErrors)
        for sheet in product.sheets { #expect(sheet.jpeg.starts(with: [0xFF, 0xD8]) && sheet.width == 1_020) }
    }
}

/// What a page's elements are.
private final class PageReader: NSObject, XMLParserDelegate {
    var names: Set<String> = []
    var ids: Set<String> = []
    var links: [String] = []
    var sources: [String] = []
    var tables = 0
    var captions = 0
    var untitledPictures = 0
    var text = ""
    private var awaitsTitle = false

    func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?, attributes: [String: String] = [:]
    ) {
        names.insert(name)
        if awaitsTitle, name != "title" { untitledPictures += 1 }
        awaitsTitle = name == "svg"
        if let id = attributes["id"] { ids.insert(id) }
        if let link = attributes["href"] { links.append(link) }
        if let source = attributes["src"] { sources.append(source) }
        if name == "img", attributes["alt"] == nil { untitledPictures += 1 }
        tables += name == "table" ? 1 : 0
        captions += name == "caption" ? 1 : 0
    }

    func parser(_ parser: XMLParser, foundCharacters string: String) { text += string }
}
