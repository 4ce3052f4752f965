// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { runContentScripts } from "./content-scripts.js";

const { framePlan } = runContentScripts("frame-plan");

/** @param {number} seconds @param {number} [spread] */
const frame = (seconds, spread = 200) => ({ seconds, picture: new Blob(), spread });

const SEEN = { isWhole: false, isProtected: false, isPaused: false, isHidden: false };

test("times are the middles of equal parts", () => {
    assert.deepEqual(framePlan.evenTimes(0, 8, 4), [1, 3, 5, 7]);
    assert.deepEqual(framePlan.evenTimes(10, 11, 1), [10.5]);
});

test("frames that come to an early end lie evenly", () => {
    const order = framePlan.coarseFirst(framePlan.evenTimes(0, 16, 16));
    assert.deepEqual(order.slice(0, 8), [0.5, 4.5, 8.5, 12.5, 2.5, 6.5, 10.5, 14.5]);
    assert.deepEqual([...order].sort((first, second) => first - second), framePlan.evenTimes(0, 16, 16));
});

test("the longest side has 1280 pixels at most, and nothing is enlarged", () => {
    assert.deepEqual(framePlan.frameSize(3840, 2160), { width: 1280, height: 720 });
    assert.deepEqual(framePlan.frameSize(1080, 1920), { width: 720, height: 1280 });
    assert.deepEqual(framePlan.frameSize(320, 180), { width: 320, height: 180 });
    assert.deepEqual(framePlan.frameSize(100_000, 1), { width: 1280, height: 1 });
});

test("the spread is that of the luma", () => {
    const picture = (/** @type {number[][]} */ ...pixels) => Uint8ClampedArray.from(pixels.flatMap((pixel) => [...pixel, 255]));
    assert.equal(framePlan.lumaSpread(picture([0, 0, 0], [0, 0, 0])), 0);
    assert.equal(Math.round(framePlan.lumaSpread(picture([255, 255, 255], [0, 0, 0]))), 255);
    assert.ok(framePlan.lumaSpread(picture([0, 255, 0], [0, 0, 255])) > 160);
    assert.equal(framePlan.lumaSpread(new Uint8ClampedArray()), 0);
});

test("frames come in the order of their times, each time once", () => {
    const frames = framePlan.inOrder([frame(2), frame(0.5), frame(2), frame(1)]);
    assert.deepEqual(frames.map((/** @type {any} */ each) => each.seconds), [0.5, 1, 2]);
    assert.deepEqual(framePlan.inOrder([]), []);
});

test("a live stream that counts from the epoch, or from before its beginning, begins at nought", () => {
    const seconds = (/** @type {any[]} */ frames) => framePlan.inOrder(frames).map((/** @type {any} */ each) => each.seconds);
    assert.deepEqual(seconds([frame(1_700_000_000.1), frame(1_700_000_002.35)]), [0, 2.25]);
    assert.deepEqual(seconds([frame(-0.5), frame(1)]), [0, 1.5]);
    assert.deepEqual(seconds([frame(86_399), frame(86_400)]), [86_399, 86_400]);
});

test("eight frames are needed, unless there are no more in the video", () => {
    const frames = Array.from({ length: 8 }, (_, index) => frame(index));
    assert.equal(framePlan.problemOf(frames, SEEN), null);
    assert.equal(framePlan.problemOf(frames.slice(1), SEEN)?.code, "reading_failed");
    assert.equal(framePlan.problemOf(frames.slice(7), { ...SEEN, isWhole: true }), null);
    assert.equal(framePlan.problemOf([], { ...SEEN, isWhole: true })?.code, "reading_failed");
    assert.match(framePlan.problemOf([], { ...SEEN, isPaused: true })?.detail, /paused/);
    assert.match(framePlan.problemOf([], { ...SEEN, isPaused: true, isHidden: true })?.detail, /not in front/);
});

test("frames of one colour show nothing; of a protected video that is the protection", () => {
    const black = Array.from({ length: 16 }, (_, index) => frame(index, index % 5));
    assert.equal(framePlan.problemOf(black, SEEN)?.code, "black");
    assert.equal(framePlan.problemOf(black, { ...SEEN, isProtected: true })?.code, "protected");
    assert.equal(framePlan.problemOf([...black, frame(20)], { ...SEEN, isProtected: true }), null);
});
