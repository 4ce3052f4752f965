// @ts-check
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { decidingTrack, readVerdict, sideOfBand } from "../../../extension/shared/verdict-shape.js";
import { track, verdict } from "./example-analysis.js";

/** @param {any} value */
function read(value) {
    const found = readVerdict(value);
    assert.ok(found);
    return found;
}

describe("the gateway's verdict", () => {
    test("is taken as docs/api.md has it", () => {
        const found = read(verdict());
        assert.equal(found.label, "fake");
        assert.deepEqual(found.abstention, [0.4, 0.6]);
        assert.equal(found.model.isTrained, true);
        assert.equal(found.tracks[0].frames.length, 4);
        assert.equal(found.tracks[0].frames[1].timestampSeconds, 1.12);
        assert.match(found.tracks[0].frames[1].gradcam, /^\/api\/jobs\/.*\/frames\/1\/gradcam\.jpg$/);
    });

    test("is none without label or threshold, and of no other kind", () => {
        const broken = [verdict({ label: "FAKE" }), verdict({ threshold: NaN }), verdict({ threshold: "0.5" })];
        for (const value of [null, undefined, 1, "fake", [], {}, ...broken]) assert.equal(readVerdict(value), null);
    });

    test("gives no numbers that are none", () => {
        assert.equal(read(verdict({ probability: 1.5 })).probability, null);
        assert.equal(read(verdict({ probability: Infinity })).probability, null);
        assert.deepEqual(read(verdict({ abstention: [0.6, 0.4] })).abstention, [0.5, 0.5]);
        assert.deepEqual(read(verdict({ abstention: "all" })).abstention, [0.5, 0.5]);
        assert.equal(read(verdict({ video: { durationSeconds: -3 } })).video.durationSeconds, 0);
    });

    test("leads to pictures of the gateway's jobs alone", () => {
        const wrong = [
            "https://evil.example/a.jpg", "//evil.example/a.jpg", "javascript:alert(1)", "/api/keys", "/api/jobs/../keys/frames/0/image.jpg", 7,
        ];
        for (const image of wrong) {
            const one = track([0.5]);
            one.frames[0].links.image = /** @type {any} */ (image);
            assert.equal(read(verdict({ tracks: [one] })).tracks[0].frames[0].image, "", String(image));
        }
    });

    test("is cut to bounds", () => {
        const long = "x".repeat(10_000);
        const found = read(verdict({
            tracks: Array.from({ length: 500 }, () => track(Array.from({ length: 500 }, () => 0.5))),
            reasons: Array(1000).fill(long),
            model: { name: long },
        }));
        assert.equal(found.tracks.length, 64);
        assert.equal(found.tracks[0].frames.length, 64);
        assert.equal(found.reasons.length, 32);
        assert.equal(found.reasons[0].length, 200);
        assert.equal(found.model.name.length, 200);
    });

    test("knows the deciding track also where another one is left out", () => {
        const found = read(verdict({ decidedBy: 1, tracks: [{ label: "broken" }, track([0.7])] }));
        assert.equal(found.decidedBy, 0);
        assert.equal(decidingTrack(found)?.frames[0].probability, 0.7);
        assert.equal(read(verdict({ decidedBy: 9 })).decidedBy, null);
        assert.equal(read(verdict({ decidedBy: -1 })).decidedBy, null);
    });
});

test("a probability lies above, inside or below the band, whose edges belong to it", () => {
    const found = read(verdict());
    assert.deepEqual([0.39, 0.4, 0.6, 0.61].map((each) => sideOfBand(found, each)), ["below", "inside", "inside", "above"]);
    const bandless = read(verdict({ abstention: [0.5, 0.5] }));
    assert.deepEqual([0.49, 0.5].map((each) => sideOfBand(bandless, each)), ["below", "above"]);
});
