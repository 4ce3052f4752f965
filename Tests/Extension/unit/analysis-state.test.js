// @ts-check
import assert from "node:assert/strict";
import test from "node:test";
import { analysisOf, hasEnded, holdsClip, newAnalysis, workOf } from "../../../extension/background/analysis-facts.js";
import { advance, MAXIMUM_FAILURES } from "../../../extension/background/analysis-state.js";
import { keptVerdict, MAXIMUM_VERDICT_LENGTH } from "../../../extension/background/verdict-size.js";

/**
 * @typedef {import("../../../extension/shared/types.js").Analysis} Analysis
 * @typedef {import("../../../extension/background/analysis-state.js").AnalysisEvent} AnalysisEvent
 */

const ID = "01a20586-1e05-450b-84c4-4c1507d8c994";
const PLACE = { tabId: 1, frameId: 0, documentId: "D", videoId: "v" };
const CLIP = { lengthBytes: 10, sha256: "ab", mediaType: "video/mp4" };
/** @type {any} */
const JOB = { id: ID, state: "queued", progress: 0 };
const DOWN = { code: "gateway_unreachable", detail: "" };

/** @param {Partial<Analysis>} [members] @returns {Analysis} */
function begun(members = {}) {
    const video = { source: { kind: /** @type {const} */ ("http"), url: "http://a/b.mp4" }, durationSeconds: 10, isLive: false, isVisible: true };
    const page = { origin: "http://a", title: "t" };
    return { ...newAnalysis({ id: ID, now: 1000, place: PLACE, video, page, isAutomatic: false, isFresh: false }), ...members };
}

/**
 * @param {Analysis} analysis
 * @param {...AnalysisEvent} events
 */
function after(analysis, ...events) {
    return events.reduce((now, event) => advance(now, event, 2000).analysis, analysis);
}

test("the way from asking to the verdict", () => {
    const reading = after(begun(), { kind: "started", ways: ["file", "frames"], at: 2000 });
    assert.deepEqual([reading.state, reading.method, workOf(reading), holdsClip(reading)], ["reading", "file", "read", true]);
    const uploading = after(reading, { kind: "progressed", progress: 0.5 }, { kind: "read", clip: CLIP });
    assert.deepEqual([uploading.state, uploading.sha256, uploading.progress, workOf(uploading), holdsClip(uploading)],
        ["uploading", "ab", 0, "upload", true]);
    const queued = advance(uploading, { kind: "submitted", job: JOB }, 2000);
    assert.deepEqual([queued.analysis.state, queued.analysis.jobId, workOf(queued.analysis), holdsClip(queued.analysis)],
        ["queued", ID, "poll", false]);
    assert.deepEqual(queued.effects, [{ kind: "forgetClip" }]);
    const running = { ...JOB, state: "running", progress: 0.4, stage: "decoding" };
    const judged = { ...JOB, state: "succeeded", verdict: { label: "real", reused: true }, uploadSha256: "ab" };
    const later = after(queued.analysis, { kind: "jobSeen", job: running, entityTag: '"2"' });
    assert.deepEqual([later.state, later.stage, later.progress, later.entityTag], ["running", "decoding", 0.4, '"2"']);
    const ended = after(later, { kind: "jobSeen", job: judged, entityTag: '"3"' });
    assert.deepEqual([ended.state, ended.endedAt, ended.isReused, ended.progress, workOf(ended)], ["succeeded", 2000, true, 1, null]);
    assert.equal("stage" in ended, false);
});

test("what comes after the end changes nothing, whatever it is", () => {
    /** @type {AnalysisEvent[]} */
    const events = [
        { kind: "started", ways: ["file"], at: 1 }, { kind: "held", problem: DOWN }, { kind: "released" },
        { kind: "progressed", progress: 1 }, { kind: "read", clip: CLIP },
        { kind: "known", earlier: begun() }, { kind: "wayFailed", problem: DOWN, ways: [] }, { kind: "interrupted" }, { kind: "clipLost" },
        { kind: "sending", gatewayUrl: "u" }, { kind: "uploadStood", location: "l", offset: 1 }, { kind: "uploadLost" },
        { kind: "submitted", job: JOB },
        { kind: "jobSeen", job: JOB }, { kind: "jobUnchanged" }, { kind: "jobMissing" },
        { kind: "gatewayFailed", problem: DOWN, disposition: "refuse" },
        { kind: "gatewayChanged" }, { kind: "stopSettled", job: JOB }, { kind: "stopped" },
    ];
    for (const state of /** @type {const} */ (["succeeded", "failed", "cancelled", "unreadable"])) {
        const ended = begun({ state, gatewayUrl: "u" });
        assert(hasEnded(ended));
        for (const event of events) assert.equal(advance(ended, event, 2000).analysis, ended, `${state} after ${event.kind}`);
    }
});

test("what belongs to another state is too late", () => {
    const queued = begun({ state: "queued", jobId: ID });
    for (const kind of /** @type {const} */ (["interrupted", "clipLost", "uploadLost"])) assert.equal(after(queued, { kind }), queued);
    const reading = begun({ state: "reading", method: "frames" });
    assert.equal(after(reading, { kind: "submitted", job: JOB }), reading);
    assert.equal(after(reading, { kind: "started", ways: ["file"], at: 1 }), reading);
});

test("an upload that failed waits, and goes on where it stood", () => {
    const uploading = begun({ state: "uploading", method: "file", ...CLIP, upload: { location: "l", offset: 5, length: 10 } });
    const waiting = after(uploading, { kind: "gatewayFailed", problem: DOWN, disposition: "wait", retryAt: 9000 });
    assert.deepEqual([waiting.state, waiting.failures, waiting.nextAt, waiting.problem], ["waiting", 1, 9000, DOWN]);
    assert(holdsClip(waiting));
    const again = after(waiting, { kind: "started", ways: [], at: 9000 });
    assert.deepEqual([again.state, again.upload?.offset, again.problem, again.failures], ["uploading", 5, undefined, 1]);
    assert.equal(after(again, { kind: "uploadStood", location: "l", offset: 7 }).failures, 0);
});

test("failures without end come to an end", () => {
    let analysis = begun({ state: "uploading", method: "file", ...CLIP });
    for (let count = 0; count < MAXIMUM_FAILURES; count += 1) {
        analysis = after(analysis, { kind: "gatewayFailed", problem: DOWN, disposition: "wait", retryAt: 1 },
            { kind: "started", ways: [], at: 1 });
    }
    assert.equal(after(analysis, { kind: "gatewayFailed", problem: DOWN, disposition: "wait", retryAt: 1 }).state, "failed");
});

test("the key of a clip is the same however often it is read, and another for other bytes or times", () => {
    const key = (/** @type {Partial<Analysis>} */ members) =>
        after(begun({ state: "uploading", method: "frames", ...CLIP, ...members }), { kind: "sending", gatewayUrl: "u" }).idempotencyKey;
    assert.equal(key({}), key({}));
    const keys = [key({}), key({ sha256: "cd" }), key({ frameTimesSeconds: [1, 2] }), key({ method: "url", sha256: undefined })];
    assert.equal(new Set(keys).size, 4);
    assert(String(key({})).length <= 255);
});

test("a stop ends what is here, and asks the gateway about what is there", () => {
    assert.equal(after(begun(), { kind: "stopped" }).state, "cancelled");
    const uploading = begun({ state: "uploading", method: "file", ...CLIP, upload: { location: "/l", offset: 5, length: 10 } });
    const stopped = advance(uploading, { kind: "stopped" }, 2000);
    assert.equal(stopped.analysis.state, "cancelled");
    assert.deepEqual(stopped.effects, [{ kind: "forgetClip" }, { kind: "removeUpload", location: "/l" }]);
    const running = begun({ state: "running", jobId: ID });
    const stopping = after(running, { kind: "stopped" });
    assert.deepEqual([stopping.state, workOf(stopping)], ["running", "cancel"]);
    assert.equal(after(stopping, { kind: "jobMissing" }).state, "cancelled");
    assert.equal(after(stopping, { kind: "stopSettled" }).isStopping, undefined);
    assert.equal(after(stopping, { kind: "stopSettled", job: { ...JOB, state: "cancelled" } }).state, "cancelled");
});

test("the way to the picture: each after the other, as far as they are open", () => {
    const started = after(begun(), { kind: "started", ways: ["frames", "capture"], at: 1 });
    assert.equal(started.method, "frames");
    const capture = after(started, { kind: "wayFailed", problem: { code: "tainted", detail: "" }, ways: ["frames", "capture"] });
    assert.deepEqual([capture.method, capture.methodNotes], ["capture", ["tainted"]]);
    const none = after(capture, { kind: "wayFailed", problem: { code: "not_visible", detail: "" }, ways: ["frames", "capture"] });
    assert.deepEqual([none.state, none.problem?.code], ["unreadable", "not_visible"]);
    const url = after(begun({ method: "file", state: "reading" }), { kind: "wayFailed", problem: DOWN, ways: ["file", "url", "frames"] });
    assert.deepEqual([url.method, url.state], ["url", "uploading"]);
});

test("a video shows the latest of its own, else the latest of its file that is worth it", () => {
    const summary = /** @type {any} */ ({ videoId: "v", source: { kind: "http", url: "http://a/b.mp4" }, durationSeconds: 10.1 });
    const elsewhere = { ...PLACE, documentId: "E" };
    const old = begun({ id: "1", createdAt: 1, state: "succeeded", place: elsewhere });
    const failed = begun({ id: "2", createdAt: 2, state: "failed", place: elsewhere });
    const own = begun({ id: "3", createdAt: 0, state: "failed" });
    assert.equal(analysisOf(PLACE, summary, [old, failed])?.id, "1");
    assert.equal(analysisOf(PLACE, summary, [old, failed, own])?.id, "3");
    assert.equal(analysisOf(PLACE, { ...summary, durationSeconds: 11 }, [old, own]), null);
    assert.equal(analysisOf(PLACE, { ...summary, source: { kind: "stream" } }, [old, own]), null);
    const stream = begun({ source: { kind: "stream" }, place: elsewhere, state: "succeeded" });
    assert.equal(analysisOf(PLACE, { ...summary, source: { kind: "stream" } }, [stream]), null);
});

test("a verdict that is very long is kept without what did not decide", () => {
    const frames = [...Array(64)].map((_, index) => ({ index, probability: 0.5, text: "x".repeat(200) }));
    const verdict = { label: "fake", decidedBy: 1, tracks: [...Array(40)].map((_, track) => ({ track, frames })) };
    const kept = /** @type {any} */ (keptVerdict(verdict));
    assert(JSON.stringify(kept).length <= MAXIMUM_VERDICT_LENGTH);
    assert.equal(kept.tracks.length, 40);
    assert.deepEqual([kept.tracks[0].frames.length, kept.tracks[1].frames.length], [0, 64]);
    const small = { label: "real", tracks: [] };
    assert.equal(keptVerdict(small), small);
});
