import Augmentation
import Foundation
import Testing

/// Settings as recipes write them.
@Suite struct SettingsTests {
    private func decode(_ text: String) throws -> BlendSettings { try JSONDecoder().decode(BlendSettings.self, from: Data(text.utf8)) }

    @Test func settingsComeBackAsTheyWere() throws {
        var settings = BlendSettings()
        settings.patch.scale = 1.5...2
        settings.mask.ratios = [0.5]
        settings.compression.preset = .medium
        settings.clip.holdShare = 0.4
        let decoded = try JSONDecoder().decode(BlendSettings.self, from: JSONEncoder().encode(settings))
        #expect(decoded == settings)
        #expect(BlendSettings().problem == nil && PictureSettings().problem == nil)
    }

    /// What is left out keeps the default of its place: the two kinds of colour change have different ones.
    @Test func partsOfSettingsKeepTheOtherDefaults() throws {
        #expect(try decode("{}") == BlendSettings())
        var expected = BlendSettings()
        expected.photometric.color.rgb = 7
        expected.compression.crf = 20...30
        #expect(try decode(#"{"photometric":{"color":{"rgb":7}},"compression":{"crf":[20,30]}}"#) == expected)
    }

    @Test func namesThatAreNotKnownAreErrors() {
        for text in [#"{"hull":{}}"#, #"{"hulls":{"ovals":1}}"#, #"{"difference":{"color":{"red":1}}}"#] {
            let error = #expect(throws: DecodingError.self) { try decode(text) }
            #expect("\(String(describing: error))".contains("there is no setting"))
        }
    }

    @Test(arguments: [
        #"{"patch":{"flipChance":1.5}}"#, #"{"patch":{"scale":[0.5,2]}}"#, #"{"hulls":{"oval":-1}}"#,
        #"{"hulls":{"landmarkShares":[1,2]}}"#, #"{"mask":{"ratios":[]}}"#, #"{"mask":{"ratios":[2]}}"#,
        #"{"difference":{"fixedFactors":[0]}}"#, #"{"compression":{"h264Share":0.8,"jpegShare":0.3}}"#, #"{"compression":{"crf":[10,60]}}"#,
        #"{"crop":{"jitter":3}}"#, #"{"detail":{"coarserShare":0.8,"sharperShare":0.3}}"#, #"{"detail":{"factor":[0.5,2]}}"#, #"{"clip":{"holdShare":-0.1}}"#, #"{"photometric":{"color":{"contrast":2}}}"#, #"{"placement":{"scale":[3,2]}}"#,
    ])
    func valuesThatMakeNoSenseAreErrors(_ text: String) {
        #expect(throws: DecodingError.self) { try decode(text) }
    }

    @Test func pictureSettingsAreReadAlike() throws {
        var expected = PictureSettings()
        expected.region = .frame
        expected.patch.flipChance = 0
        let decoded = try JSONDecoder().decode(
            PictureSettings.self, from: Data(#"{"region":"frame","patch":{"flipChance":0}}"#.utf8))
        #expect(decoded == expected)
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(PictureSettings.self, from: Data(#"{"mask":{}}"#.utf8)) }
    }
}
