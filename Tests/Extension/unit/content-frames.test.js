// @ts-check
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { FakeVideo, runContentScripts } from "./content-scripts.js";

const whorl = runContentScripts("reading-problem", "waits", "videos", "frame-plan", "seek-frames", "watch-frames", "pieces", "read-frames");

/** @type {any} */ (globalThis).document = { visibilityState: "visible" };

/** Draws nothing, and lets a test do something in between. */
whorl.FrameDrawer = class {
    static spread = 200;
    static onDraw = (/** @type {FakeVideo} */ _, /** @type {number} */ _count) => undefined;
    #count = 0;

    /** @param {FakeVideo} video */
    constructor(video) {
        this.video = video;
    }

    /** @param {number} seconds */
    async draw(seconds) {
        this.#count += 1;
        whorl.FrameDrawer.onDraw(this.video, this.#count);
        return { seconds, picture: new Blob([new Uint8Array(10)]), spread: whorl.FrameDrawer.spread };
    }
};

/**
 * @param {FakeVideo} video
 * @param {object} [more]
 * @param {(video: FakeVideo, count: number) => void} [more.onDraw]
 * @param {number} [more.spread]
 * @param {boolean} [more.isProtected]
 * @param {AbortSignal} [more.signal]
 * @param {number} [more.maximumBytes]
 */
function read(video, { onDraw = () => undefined, spread = 200, isProtected = false, ...limits } = {}) {
    whorl.FrameDrawer.onDraw = onDraw;
    whorl.FrameDrawer.spread = spread;
    const { signal } = new AbortController();
    return whorl.readFrames(video, {
        frameCount: 16, maximumBytes: 1e6, signal, isProtected: () => isProtected, onProgress: () => undefined, ...limits,
    });
}

/** A paused video with a position. */
function pausedVideo() {
    const video = Object.assign(new FakeVideo(), { currentSrc: "blob:https://example.org/1" });
    video.currentTime = 3.217;
    video.seeks = [];
    return video;
}

test("a paused video is sought through evenly, and put back exactly", async () => {
    const video = pausedVideo();
    const clip = await read(video);
    assert.deepEqual(clip.frameTimesSeconds, whorl.framePlan.evenTimes(0, 8, 16));
    assert.deepEqual(video.seeks, [...whorl.framePlan.coarseFirst(whorl.framePlan.evenTimes(0, 8, 16)), 3.217]);
    assert.equal(video.currentTime, 3.217);
    assert.equal(clip.mediaType, "video/x-motion-jpeg");
    assert.equal(clip.length, 160);
    assert.equal(video.paused, true);
});

test("only what can be sought without disturbing is sought", () => {
    const { rangeOf } = whorl.seekFrames;
    const seekable = { length: 1, start: () => 2, end: () => 7 };
    assert.deepEqual(rangeOf({ paused: true, duration: 8, seekable }), { start: 2, end: 7 });
    assert.deepEqual(rangeOf({ paused: true, duration: 5, seekable }), { start: 2, end: 5 });
    assert.equal(rangeOf({ paused: false, duration: 8, seekable }), null);
    assert.equal(rangeOf({ paused: true, duration: Infinity, seekable }), null);
    assert.equal(rangeOf({ paused: true, duration: NaN, seekable }), null);
    assert.equal(rangeOf({ paused: true, duration: 8, seekable: { length: 0 } }), null);
    assert.equal(rangeOf({ paused: true, duration: 2, seekable }), null);
});

test("somebody who presses play has the video where it was, at once", async () => {
    const video = pausedVideo();
    let atPlay = NaN;
    const clip = await read(video, {
        onDraw: (_, count) => {
            if (count !== 10) return;
            video.paused = false;
            video.dispatchEvent(new Event("play"));
            atPlay = video.currentTime;
        },
    });
    assert.equal(atPlay, 3.217);
    assert.equal(video.currentTime, 3.217);
    assert.equal(clip.frameTimesSeconds.length, 10);
});

test("somebody who seeks stays where they sought", async () => {
    const video = pausedVideo();
    const clip = await read(video, {
        onDraw: (_, count) => {
            if (count === 9) video.currentTime = 6.5;
        },
    });
    assert.equal(video.currentTime, 6.5);
    assert.equal(clip.frameTimesSeconds.length, 9);
});

test("another video in the element ends the reading, and is not sought in", async () => {
    const video = pausedVideo();
    const reading = read(video, {
        onDraw: (_, count) => {
            if (count !== 12) return;
            video.currentSrc = "blob:https://example.org/2";
            video.dispatchEvent(new Event("emptied"));
        },
    });
    await assert.rejects(reading, { code: "reading_failed", detail: /replaced/ });
    assert.equal(video.seeks.at(-1), whorl.framePlan.coarseFirst(whorl.framePlan.evenTimes(0, 8, 16))[11]);
});

test("a reading that is broken off puts the video back", async () => {
    const video = pausedVideo();
    const stop = new AbortController();
    const reading = read(video, {
        signal: stop.signal,
        onDraw: (_, count) => {
            if (count === 3) stop.abort(new whorl.ReadingProblem("reading_failed", "stopped"));
        },
    });
    await assert.rejects(reading, { detail: "stopped" });
    assert.equal(video.currentTime, 3.217);
    await assert.rejects(read(video, { signal: stop.signal }), { detail: "stopped" });
});

test("frames that cannot be read put the video back too", async () => {
    const video = pausedVideo();
    const reading = read(video, {
        onDraw: () => {
            throw new whorl.ReadingProblem("tainted", "");
        },
    });
    await assert.rejects(reading, { code: "tainted" });
    assert.equal(video.currentTime, 3.217);
});

test("black and protected, too much, and nothing at all, are told apart", async () => {
    await assert.rejects(read(pausedVideo(), { spread: 0 }), { code: "black" });
    await assert.rejects(read(pausedVideo(), { spread: 0, isProtected: true }), { code: "protected" });
    await assert.rejects(read(pausedVideo(), { maximumBytes: 55 }), { code: "too_large" });
    await assert.rejects(read(Object.assign(pausedVideo(), { videoWidth: 0 })), { code: "nothing_loaded" });
    await assert.rejects(read(Object.assign(pausedVideo(), { currentSrc: "" })), { code: "nothing_loaded" });
    const broken = Object.assign(pausedVideo(), { error: { message: "broken" } });
    await assert.rejects(read(broken), { code: "nothing_loaded", detail: "broken" });
});

test("a frame that is not there yet is left out rather than drawn twice", async () => {
    const video = pausedVideo();
    const clip = await read(video, {
        onDraw: (_, count) => {
            video.readyState = count < 9 ? 4 : 1;
        },
    });
    assert.equal(clip.frameTimesSeconds.length, 9);
});

test("a playing video is watched over what there still is of it, for twenty seconds at most", () => {
    const { spanMilliseconds } = whorl.watchFrames;
    const video = { duration: 100, currentTime: 90, playbackRate: 1, loop: false };
    assert.equal(spanMilliseconds(video), 10_000);
    assert.equal(spanMilliseconds({ ...video, playbackRate: 2 }), 5000);
    assert.equal(spanMilliseconds({ ...video, currentTime: 0 }), 19_000);
    assert.equal(spanMilliseconds({ ...video, duration: Infinity }), 19_000);
    assert.equal(spanMilliseconds({ ...video, duration: 4, currentTime: 3, loop: true }), 4000);
});

test("a playing video is not touched", async () => {
    const video = Object.assign(new FakeVideo(), { currentSrc: "blob:https://example.org/1", paused: false, duration: 0.4, loop: true });
    const playing = setInterval(() => video.show(Math.round(performance.now() % 400) / 1000), 5);
    const clip = await read(video);
    clearInterval(playing);
    assert.deepEqual(video.seeks, []);
    assert.ok(clip.frameTimesSeconds.length >= 8, `${clip.frameTimesSeconds.length} frames`);
    assert.deepEqual(clip.frameTimesSeconds, [...new Set(clip.frameTimesSeconds)].sort((first, second) => Number(first) - Number(second)));
});

test("a live stream that stands still is given up after twenty seconds", async () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    let now = 0;
    mock.method(performance, "now", () => now);
    const video = Object.assign(new FakeVideo(), { currentSrc: "blob:https://example.org/1", duration: Infinity });
    let problem = /** @type {any} */ (null);
    const reading = read(video).catch((error) => {
        problem = error;
    });
    for (; !problem && now < 60_000; now += 250) {
        mock.timers.tick(250);
        await new Promise((resolve) => setImmediate(resolve));
    }
    await reading;
    mock.timers.reset();
    mock.restoreAll();
    assert.equal(problem.code, "reading_failed");
    assert.match(problem.detail, /play it/);
    assert.ok(now <= 21_000, `after ${now} ms`);
});
