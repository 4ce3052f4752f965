// @ts-check
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { verdictWords } from "../../../extension/shared/verdict-words.js";
import { analysis, track, verdict } from "./example-analysis.js";

/** @param {Parameters<typeof analysis>[0]} changes */
function wordsOf(changes) {
    const words = verdictWords(analysis(changes));
    assert.ok(words);
    return words;
}

/** @param {{code: string}[]} notes */
const codes = (notes) => notes.map(({ code }) => code);

describe("a verdict in words", () => {
    test("there is none before the analysis has succeeded, whatever it carries", () => {
        assert.equal(verdictWords(analysis({ state: "running" })), null);
        assert.equal(verdictWords(analysis({ verdict: { label: "perhaps" } })), null);
        assert.equal(verdictWords(analysis({ verdict: undefined })), null);
    });

    test("each label has its title, sentence and limits", () => {
        for (const label of ["fake", "real", "uncertain"]) {
            const words = wordsOf({ verdict: verdict({ label }) });
            assert.equal(words.title.key, `verdict_title_${label}`);
            assert.equal(words.sentence.key, `verdict_sentence_${label}`);
            assert.deepEqual(words.sentence.substitutions, [{ percent: 0.96 }]);
            assert.ok(words.limits.some(({ key }) => key.startsWith(`verdict_limit_${label}`)));
        }
    });

    test("an untrained model comes first and takes the meaning from all else", () => {
        const model = { ...verdict().model, trained: false };
        const words = wordsOf({ verdict: verdict({ model, label: "uncertain", reasons: ["inside_abstention_band", "untrained_model"] }) });
        assert.equal(words.title.key, "verdict_title_untrained");
        assert.equal(words.sentence.key, "verdict_sentence_untrained");
        assert.equal(words.certainty, null);
        assert.deepEqual(words.limits, [{ key: "verdict_limit_untrained" }]);
        assert.deepEqual(codes(words.reasons), ["untrained_model", "inside_abstention_band"]);
    });

    test("a model that does not say whether it was trained is not taken for trained", () => {
        for (const trained of [undefined, null, "true", 1]) {
            assert.equal(wordsOf({ verdict: verdict({ model: { ...verdict().model, trained } }) }).isUntrained, true);
        }
    });

    test("where nothing was judged there is no number and no certainty", () => {
        const nothing = { label: "uncertain", probability: null, decidedBy: null, tracks: [], reasons: ["no_face"] };
        const words = wordsOf({ verdict: verdict(nothing) });
        assert.equal(words.sentence.key, "verdict_sentence_nothing");
        assert.equal(words.certainty, null);
        assert.deepEqual(words.numbers, []);
        assert.deepEqual(words.reasons, [{ code: "no_face", words: { key: "reason_face_missing" } }]);
    });

    test("frames that the browser encoded again are warned of once, also where the gateway does not say so", () => {
        for (const method of /** @type {const} */ (["frames", "capture"])) {
            const told = wordsOf({ method, verdict: verdict({ warnings: ["reencoded", "short_clip"] }) });
            assert.deepEqual(codes(told.warnings), ["reencoded", "short_clip"]);
            assert.deepEqual(codes(wordsOf({ method }).warnings), ["reencoded"]);
        }
        for (const method of /** @type {const} */ (["file", "url"])) assert.deepEqual(wordsOf({ method }).warnings, []);
    });

    test("a code of a later gateway is shown as it came", () => {
        const words = wordsOf({ verdict: verdict({ reasons: ["constructor", "too_loud"], warnings: ["mirrored"] }) });
        assert.deepEqual(words.reasons.map((note) => note.words), [
            { key: "reason_other", substitutions: ["constructor"] }, { key: "reason_other", substitutions: ["too_loud"] },
        ]);
        assert.deepEqual(words.warnings[0].words, { key: "warning_other", substitutions: ["mirrored"] });
    });
});

describe("certainty", () => {
    /** @type {[name: string, label: string, probability: number, frames: number[], key: string][]} */
    const cases = [
        ["far from the band, all frames agree", "fake", 0.96, [0.9, 0.9, 0.9, 0.9], "verdict_certainty_firm"],
        ["far from the band, a quarter of the frames disagrees", "fake", 0.96, [0.9, 0.9, 0.9, 0.1], "verdict_certainty_fair"],
        ["far from the band, half of the frames disagree", "fake", 0.96, [0.9, 0.9, 0.1, 0.1], "verdict_certainty_weak"],
        ["a quarter out of the band", "fake", 0.7, [0.7, 0.7, 0.7, 0.7], "verdict_certainty_fair"],
        ["just out of the band", "fake", 0.62, [0.9, 0.9, 0.9, 0.9], "verdict_certainty_weak"],
        ["real, far from the band", "real", 0.03, [0.1, 0.1, 0.1, 0.2], "verdict_certainty_firm"],
        ["real, near the band", "real", 0.38, [0.3, 0.3, 0.4, 0.4], "verdict_certainty_weak"],
        ["uncertain", "uncertain", 0.5, [0.5, 0.5, 0.5, 0.5], "verdict_certainty_none"],
    ];
    for (const [name, label, probability, frames, key] of cases) {
        test(name, () => assert.equal(wordsOf({ verdict: verdict({ label, probability }, frames) }).certainty?.key, key));
    }

    test("a band without width, and one that reaches to the ends, break nothing", () => {
        assert.equal(wordsOf({ verdict: verdict({ abstention: [0.5, 0.5] }) }).certainty?.key, "verdict_certainty_firm");
        assert.equal(wordsOf({ verdict: verdict({ abstention: [0, 1] }) }).certainty?.key, "verdict_certainty_weak");
    });
});

describe("numbers", () => {
    test("probability, threshold, band and spread of the deciding track's frames", () => {
        const decided = { label: "fake", decidedBy: 1, tracks: [track([0.1, 0.1]), track([0.3, 0.8, 0.6])] };
        assert.deepEqual(wordsOf({ verdict: verdict(decided) }).numbers, [
            { key: "verdict_number_probability", substitutions: [{ percent: 0.96 }] },
            { key: "verdict_number_threshold", substitutions: [{ bound: 0.5 }] },
            { key: "verdict_number_band", substitutions: [{ bound: 0.4 }, { bound: 0.6 }] },
            { key: "verdict_number_frames", substitutions: [{ count: 2 }, { count: 3 }, { percent: 0.3 }, { percent: 0.8 }] },
        ]);
    });

    test("no band without width, no spread of one frame", () => {
        const keys = wordsOf({ verdict: verdict({ abstention: [0.5, 0.5] }, [0.9]) }).numbers.map(({ key }) => key);
        assert.deepEqual(keys, ["verdict_number_probability", "verdict_number_threshold"]);
    });
});
