// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkContentMessage } from "../../../extension/shared/messages.js";
import { FakeVideo, runContentScripts } from "./content-scripts.js";

const { videos } = runContentScripts("videos");

/** @param {Partial<FakeVideo>} more */
const video = (more = {}) => Object.assign(new FakeVideo(), more);

/** @param {object} more */
const tracked = (more = {}) => ({
    video: video(), videoId: videos.randomId(), identity: null, isVisible: true, wasEncrypted: false, ...more,
});

const ADDRESS = "https://example.org/a.mp4";

test("a file has its address, everything else that plays is a stream", () => {
    assert.deepEqual(videos.sourceOf(video({ currentSrc: ADDRESS })), { kind: "http", url: ADDRESS });
    const others = ["blob:https://example.org/1", "data:video/mp4;base64,AAAA", "file:///a.mp4", `https://example.org/${"a".repeat(5000)}`];
    for (const currentSrc of others) assert.deepEqual(videos.sourceOf(video({ currentSrc })), { kind: "stream" });
    assert.deepEqual(videos.sourceOf(video({ srcObject: /** @type {any} */ ({}), currentSrc: ADDRESS })), { kind: "stream" });
});

test("an element without a source, or with none that works, has none", () => {
    assert.deepEqual(videos.sourceOf(video()), { kind: "none" });
    assert.deepEqual(videos.sourceOf(video({ currentSrc: "https://example.org/a.mp4", networkState: 0 })), { kind: "none" });
    assert.deepEqual(videos.sourceOf(video({ currentSrc: "https://example.org/a.mp4", networkState: 3 })), { kind: "none" });
});

test("another source in the same element is another video; the same again, and nothing in between, is not", () => {
    const one = tracked({ video: video({ currentSrc: "https://example.org/a.mp4" }) });
    const first = one.videoId;
    assert.equal(videos.noteIdentity(one), false);
    one.video.currentSrc = "";
    assert.equal(videos.noteIdentity(one), false);
    one.video.currentSrc = "https://example.org/a.mp4#t=3";
    assert.equal(videos.noteIdentity(one), false);
    assert.equal(one.videoId, first);
    one.wasEncrypted = true;
    one.video.currentSrc = "blob:https://example.org/2";
    assert.equal(videos.noteIdentity(one), true);
    assert.notEqual(one.videoId, first);
    assert.equal(one.wasEncrypted, false);
});

test("a stream is known by its object", () => {
    const one = tracked({ video: video({ srcObject: /** @type {any} */ ({}) }) });
    videos.noteIdentity(one);
    assert.equal(videos.noteIdentity(one), false);
    one.video.srcObject = {};
    assert.equal(videos.noteIdentity(one), true);
});

test("what is told passes the service worker's check, however odd the page", () => {
    const odd = [
        { duration: Infinity }, { duration: NaN }, { duration: -1 }, { duration: 1e300 }, {}, { currentSrc: "https://[::1]/" },
        { currentSrc: "https:x" },
    ];
    const summaries = videos.summarizeAll(odd.map((each) => tracked({ video: video(each) })));
    assert.equal(summaries.length, odd.length);
    assert.deepEqual(summaries.slice(0, 4).map((/** @type {any} */ each) => each.durationSeconds), [null, null, null, null]);
    assert.deepEqual(/** @type {any} */ (checkContentMessage({ type: "videos.found", videos: summaries })).videos, summaries);
});

test("of thousands two hundred are told of, the visible ones first", () => {
    const many = Array.from({ length: 3000 }, (_, index) => tracked({ isVisible: index >= 2990 }));
    const told = videos.summarizeAll(many);
    assert.equal(told.length, 200);
    assert.deepEqual(told.slice(0, 11).map((/** @type {any} */ each) => each.isVisible), [...Array(10).fill(true), false]);
});

test("protection is known by the keys or by the event", () => {
    assert.equal(videos.summarize(tracked()).isProtected, false);
    assert.equal(videos.summarize(tracked({ wasEncrypted: true })).isProtected, true);
    assert.equal(videos.summarize(tracked({ video: video({ mediaKeys: /** @type {any} */ ({}) }) })).isProtected, true);
});

test("what has sound alone, or nothing, has no picture", () => {
    const currentSrc = "https://example.org/a.mp4";
    assert.equal(videos.mayHavePicture(video({ currentSrc })), true);
    assert.equal(videos.mayHavePicture(video({ currentSrc, videoWidth: 0, readyState: 0 })), true);
    assert.equal(videos.mayHavePicture(video({ currentSrc, videoWidth: 0, readyState: 1 })), false);
    assert.equal(videos.mayHavePicture(video()), false);
});

test("the picture's rectangle leaves out the bars", () => {
    const box = { x: 10, y: 20, width: 400, height: 400 };
    const wide = { width: 1600, height: 900 };
    assert.deepEqual(videos.pictureRectangle(box, wide, "contain", "50% 50%"), { x: 10, y: 107.5, width: 400, height: 225 });
    assert.deepEqual(videos.pictureRectangle(box, wide, "contain", "50% 0%"), { x: 10, y: 20, width: 400, height: 225 });
    assert.deepEqual(videos.pictureRectangle(box, wide, "contain", "50% 12px"), { x: 10, y: 32, width: 400, height: 225 });
    assert.deepEqual(videos.pictureRectangle(box, wide, "cover", "50% 50%"), box);
    assert.deepEqual(videos.pictureRectangle(box, wide, "fill", "50% 50%"), box);
    const small = { width: 100, height: 50 };
    assert.deepEqual(videos.pictureRectangle(box, small, "none", "50% 50%"), { x: 160, y: 195, ...small });
    assert.deepEqual(videos.pictureRectangle(box, small, "scale-down", "100% 100%"), { x: 310, y: 370, ...small });
    assert.deepEqual(videos.pictureRectangle(box, { width: 0, height: 0 }, "contain", "50% 50%"), box);
});

test("through a frame a rectangle moves, grows with it, and ends at its edge", () => {
    const frame = { x: 100, y: 50, width: 300, height: 200, scale: 1 };
    assert.deepEqual(videos.throughFrame({ x: 10, y: 10, width: 100, height: 100 }, frame), { x: 110, y: 60, width: 100, height: 100 });
    assert.deepEqual(videos.throughFrame({ x: 250, y: -20, width: 100, height: 100 }, frame), { x: 350, y: 50, width: 50, height: 80 });
    const half = videos.throughFrame({ x: 10, y: 10, width: 100, height: 100 }, { ...frame, scale: 0.5 });
    assert.deepEqual(half, { x: 105, y: 55, width: 50, height: 50 });
    assert.equal(videos.throughFrame({ x: 900, y: 10, width: 100, height: 100 }, frame).width, 0);
});

test("two fingers' zoom counts", () => {
    const zoom = { scale: 2, offsetLeft: 30, offsetTop: 40 };
    assert.deepEqual(videos.zoomed({ x: 50, y: 60, width: 10, height: 20 }, zoom), { x: 40, y: 40, width: 20, height: 40 });
});
