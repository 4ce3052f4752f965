// @ts-check
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { KnownAnalyses } from "../../../extension/popup/known-analyses.js";
import { analysis } from "./example-analysis.js";

/** @typedef {import("../../../extension/popup/rows.js").TabVideo} TabVideo */

const PLACE = { tabId: 7, frameId: 0, documentId: "A1", videoId: "0123456789abcdef" };

/**
 * @param {TabVideo["analysis"]} [shown]
 * @returns {TabVideo}
 */
function video(shown = null) {
    const summary = {
        videoId: PLACE.videoId, source: /** @type {const} */ ({ kind: "stream" }), durationSeconds: 4,
        widthPixels: 480, heightPixels: 480, isVisible: true, isProtected: false,
    };
    return { place: PLACE, summary, analysis: shown };
}

/** @param {ReturnType<typeof analysis>} one */
const stored = (one) => ({ [`analysis:${one.id}`]: { newValue: one } });

describe("what the popup knows", () => {
    test("a video takes the analysis that was asked of it", () => {
        const known = new KnownAnalyses();
        known.hear([video()]);
        assert.equal(known.take(stored(analysis({ id: "1", place: PLACE, state: "reading" }))), true);
        assert.equal(known.videos[0].analysis?.state, "reading");
        assert.deepEqual(known.elsewhere(), []);
    });

    test("another document's video with the same id takes it not", () => {
        const known = new KnownAnalyses();
        known.hear([video()]);
        known.take(stored(analysis({ id: "1", place: { ...PLACE, documentId: "B2" } })));
        assert.equal(known.videos[0].analysis, null);
        assert.equal(known.elsewhere().length, 1);
    });

    test("a later analysis takes an earlier one's place, an earlier one does not", () => {
        const known = new KnownAnalyses();
        known.hear([video(analysis({ id: "2", place: PLACE, createdAt: 200 }))]);
        known.take(stored(analysis({ id: "1", place: PLACE, createdAt: 100 })));
        assert.equal(known.videos[0].analysis?.id, "2");
        known.take(stored(analysis({ id: "3", place: PLACE, createdAt: 300 })));
        assert.equal(known.videos[0].analysis?.id, "3");
        assert.deepEqual(known.elsewhere().map(({ id }) => id), ["1"]);
    });

    test("a verdict that was known before follows its analysis, though that is another video's", () => {
        const known = new KnownAnalyses();
        known.hear([video(analysis({ id: "1", place: undefined, changedAt: 1 }))]);
        known.take(stored(analysis({ id: "1", place: undefined, changedAt: 2, isReused: true })));
        assert.equal(known.videos[0].analysis?.isReused, true);
    });

    test("what was forgotten is gone", () => {
        const known = new KnownAnalyses();
        known.list([analysis({ id: "1" }), analysis({ id: "2" })]);
        known.hear([video(analysis({ id: "1" }))]);
        known.take({ "analysis:1": { oldValue: {} }, "analysis:2": {} });
        assert.equal(known.videos[0].analysis, null);
        assert.deepEqual(known.elsewhere(), []);
    });

    test("an answer that a change has overtaken changes nothing back", () => {
        const known = new KnownAnalyses();
        known.take(stored(analysis({ id: "1", state: "succeeded", changedAt: 20 })));
        known.list([analysis({ id: "1", state: "running", changedAt: 10 }), analysis({ id: "2", changedAt: 10 })]);
        known.hear([video(analysis({ id: "1", state: "running", changedAt: 10 }))]);
        assert.equal(known.videos[0].analysis?.state, "succeeded");
        assert.deepEqual(known.elsewhere().map(({ id }) => id), ["2"]);
    });

    test("the newest comes first, and other changes are none of its business", () => {
        const known = new KnownAnalyses();
        known.list([analysis({ id: "1", createdAt: 1 }), analysis({ id: "3", createdAt: 3 }), analysis({ id: "2", createdAt: 2 })]);
        assert.deepEqual(known.elsewhere().map(({ id }) => id), ["3", "2", "1"]);
        assert.equal(known.take({ settings: { newValue: {} } }), false);
    });
});
