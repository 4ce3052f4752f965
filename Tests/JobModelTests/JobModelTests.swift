import Foundation
import JobModel
import Testing

/// SplitMix64, so that a test's randomness is the same each time.
private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}

@Suite struct JobIDTests {
    @Test func idsAreVersionSevenAndSortByTime() throws {
        var generator = SeededGenerator(state: 1)
        let early = JobID(at: Date(timeIntervalSince1970: 1_700_000_000.001), using: &generator)
        let late = JobID(at: Date(timeIntervalSince1970: 1_700_000_000.002), using: &generator)
        #expect(early.description < late.description)
        let characters = Array(early.description)
        #expect(characters[14] == "7")
        #expect("89ab".contains(characters[19]))
        #expect(early.description.hasPrefix("018bcfe5-6801"))
    }

    @Test(arguments: ["", "x", "018bcfe5-6801-7000-8000-00000000000", "018bcfe5-6801-7000-8000-00000000000g", "../../etc/passwd"])
    func otherTextIsNoID(text: String) {
        #expect(JobID(text) == nil)
    }

    @Test func anIDSurvivesItsText() throws {
        let id = JobID.make()
        #expect(JobID(id.description.uppercased()) == id)
        let coded = try WhorlJSON.decoder().decode([JobID].self, from: WhorlJSON.encoder().encode([id]))
        #expect(coded == [id])
    }
}

@Suite struct RetryPolicyTests {
    @Test func waitsDoubleWithAdditiveJitterUpToTheCap() {
        var generator = SeededGenerator(state: 2)
        let policy = RetryPolicy(maximumAttempts: 20, baseSeconds: 2, capSeconds: 600)
        for attempt in 1...100 {
            let plain = min(2 * pow(2, Double(min(attempt, 40) - 1)), 600)
            for _ in 0..<50 {
                let delay = policy.delaySeconds(afterAttempt: attempt, using: &generator)
                #expect(delay >= plain && delay <= min(2 * plain, 600))
            }
        }
    }

    @Test func aThousandFailuresOfOneMomentComeBackSpread() {
        var generator = SeededGenerator(state: 3)
        let policy = RetryPolicy()
        let delays = (0..<1000).map { _ in policy.delaySeconds(afterAttempt: 3, using: &generator) }
        let perSecond = Dictionary(grouping: delays) { Int($0) }.mapValues(\.count)
        #expect((perSecond.values.max() ?? 1000) < 250)
    }
}

@Suite struct DecisionTests {
    private let rule = DecisionRule(temperature: 2, threshold: 0.5, abstention: 0.4...0.6, isTrained: true)

    @Test(arguments: [(0.9, Verdict.Label.fake), (0.61, .fake), (0.39, .real), (0.1, .real)])
    func aTrainedModelDecides(probability: Double, label: Verdict.Label) {
        #expect(rule.decide(probability: probability).label == label)
        #expect(rule.decide(probability: probability).reasons.isEmpty)
    }

    @Test(arguments: [0.4, 0.5, 0.6])
    func insideTheBandItAbstains(probability: Double) {
        let (label, reasons) = rule.decide(probability: probability)
        #expect(label == .uncertain && reasons == [.insideAbstentionBand])
    }

    @Test func anUntrainedModelNeverDecides() {
        var untrained = rule
        untrained.isTrained = false
        #expect(untrained.decide(probability: 0.99).label == .uncertain)
        #expect(untrained.decide(probability: 0.99).reasons == [.untrainedModel])
    }

    @Test func theTemperatureSoftensTheProbability() {
        #expect(abs(rule.probability(ofLogit: 2) - 1 / (1 + exp(-1.0))) < 1e-15)
        #expect(rule.probability(ofLogit: 0) == 0.5)
        #expect(rule.probability(ofLogit: -2000) == 0 && rule.probability(ofLogit: 2000) == 1)
    }
}

@Suite struct JobOptionsTests {
    private func decode(_ text: String) throws -> JobOptions {
        try JobOptions.strictly(from: Data(text.utf8))
    }

    @Test func whatIsLeftOutHasItsDefault() throws {
        #expect(try decode("{}") == JobOptions())
        #expect(try decode("{\"sampling\":{\"count\":8}}").sampling == Sampling(count: 8))
    }

    @Test func framesMayHaveTimes() throws {
        let options = try decode("{\"frameTimesSeconds\":[0,0.5,86400],\"reencodedBy\":\"screen\"}")
        #expect(options.frameTimesSeconds == [0, 0.5, 86_400] && options.reencodedBy == .screen)
        #expect(try decode("{\"frameTimesSeconds\":null,\"reencodedBy\":null}") == JobOptions())
        let back = try WhorlJSON.decoder().decode(JobOptions.self, from: try WhorlJSON.encoder().encode(options))
        #expect(back == options)
        // What shared a verdict before still does.
        #expect(try !String(decoding: WhorlJSON.encoder().encode(JobOptions()), as: UTF8.self).contains("reencodedBy"))
    }

    @Test func whatANewerGatewayStoredCanBeRead() throws {
        let stored = Data("{\"sampling\":{\"count\":8},\"reencodedBy\":\"magic\",\"fromTheFuture\":[1]}".utf8)
        #expect(try WhorlJSON.decoder().decode(JobOptions.self, from: stored).sampling.count == 8)
    }

    @Test(arguments: [
        ("{\"samplin\":{}}", "unknown member samplin"),
        ("{\"sampling\":{\"count\":0}}", "it must be 1 to 64"),
        ("{\"sampling\":{\"count\":65}}", "it must be 1 to 64"),
        ("{\"sampling\":{\"mode\":\"fast\"}}", "sampling.mode"),
        ("{\"sampling\":{\"count\":\"x\"}}", "sampling.count"),
        ("{\"frameTimesSeconds\":[]}", "1 to 1024"),
        ("{\"frameTimesSeconds\":[1,1]}", "must rise"),
        ("{\"frameTimesSeconds\":[-1,1]}", "between 0 and 86400"),
        ("{\"frameTimesSeconds\":[1],\"sampling\":{\"endSeconds\":3}}", "cannot go with"),
        ("{\"reencodedBy\":\"magic\"}", "reencodedBy"),
    ])
    func wrongOptionsSayWhatIsWrong(text: String, expected: String) {
        do {
            _ = try decode(text)
            Issue.record("\(text) is taken")
        } catch {
            #expect(WhorlJSON.explanation(of: error).contains(expected))
        }
    }
}

@Suite struct WhorlJSONTests {
    @Test func timesAreUTCWithMilliseconds() throws {
        let moment = Date(timeIntervalSince1970: 1_700_000_000.123)
        let text = String(decoding: try WhorlJSON.encoder().encode([moment]), as: UTF8.self)
        #expect(text == "[\"2023-11-14T22:13:20.123Z\"]")
        let back = try WhorlJSON.decoder().decode([Date].self, from: Data(text.utf8))
        #expect(abs(back[0].timeIntervalSince(moment)) < 0.001)
    }

    @Test func nothingJudgedIsNullAndNotLeftOut() throws {
        let verdict = Verdict(
            label: .uncertain, probability: nil, confidence: nil, logit: nil, threshold: 0.5, abstention: [0.4, 0.6],
            model: .init(name: "n", version: "1", sha256: "s", trained: true, region: "face", precision: "float32", temperature: 1),
            video: .init(codec: "h264", width: 1, height: 1, durationSeconds: 1, frameCount: 1, sha256: "s"),
            sampling: .init(Sampling()), tracks: [], decidedBy: nil, reasons: [.noFace], warnings: [], reused: false,
            timings: .init(decodeMilliseconds: 0, forwardMilliseconds: 0, drawMilliseconds: 0))
        let data = try WhorlJSON.encoder().encode(verdict)
        let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        for key in ["probability", "confidence", "logit", "decidedBy"] { #expect(object[key] is NSNull) }
        #expect(object["reasons"] as? [String] == ["no_face"])
        #expect(try WhorlJSON.decoder().decode(Verdict.self, from: data) == verdict)
    }
}
