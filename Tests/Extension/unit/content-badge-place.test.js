// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { runContentScripts } from "./content-scripts.js";

const { badgePlace } = runContentScripts("badge-place");

/** @param {number} left @param {number} top @param {number} width @param {number} height */
const box = (left, top, width, height) => ({ left, top, right: left + width, bottom: top + height });

const VIDEO = box(100, 100, 640, 360);
const SIZE = { width: 120, height: 30 };
const ANYWHERE = badgePlace.intersection([]);

/** @param {object} more */
const choose = (more = {}) => badgePlace.chooseCorner({
    video: VIDEO, clip: ANYWHERE, size: SIZE, states: {}, direction: "ltr", hasNativeControls: false, ...more,
});

/** @param {object} more */
const hit = (more = {}) => ({
    isVideoOrAround: false, box: box(0, 0, 10, 10), commonBox: box(0, 0, 2000, 2000), controlBox: null, ...more,
});

/** @param {string} state */
const everywhere = (state) => ({ "top-left": state, "top-right": state, "bottom-left": state, "bottom-right": state });

test("the corner where reading begins comes first", () => {
    assert.equal(choose(), "top-left");
    assert.equal(choose({ direction: "rtl" }), "top-right");
});

test("a corner that takes clicks, or is covered, is left free", () => {
    assert.equal(choose({ states: { "top-left": "control" } }), "top-right");
    assert.equal(choose({ states: { "top-left": "covered", "top-right": "control", "bottom-left": "free" } }), "bottom-left");
    assert.equal(choose({ states: everywhere("control") }), "top-left");
});

test("the browser's own controls are never covered", () => {
    const states = { "top-left": "covered", "top-right": "covered", "bottom-left": "free" };
    assert.equal(choose({ states, hasNativeControls: true }), null);
});

test("where everything is covered there is no badge", () => {
    assert.equal(choose({ states: everywhere("covered") }), null);
});

test("a badge stays within what its scroller shows of the video", () => {
    assert.equal(choose({ clip: box(0, 200, 2000, 2000) }), "bottom-left");
    assert.equal(choose({ clip: box(400, 0, 2000, 2000) }), "top-right");
    assert.equal(choose({ clip: box(0, 0, 50, 50) }), null);
});

test("the box lies inside the video, away from its edge", () => {
    assert.deepEqual(badgePlace.boxAt("top-left", VIDEO, SIZE), box(108, 108, 120, 30));
    assert.deepEqual(badgePlace.boxAt("bottom-right", VIDEO, SIZE), box(740 - 8 - 120, 460 - 8 - 30, 120, 30));
    for (const corner of badgePlace.corners("ltr")) {
        const at = badgePlace.boxAt(corner, VIDEO, SIZE);
        for (const { x, y } of [...badgePlace.pointsOf(at), ...badgePlace.pointsAround(corner, at)]) {
            assert.ok(x > VIDEO.left && x < VIDEO.right && y > VIDEO.top && y < VIDEO.bottom, `${corner}: ${x}, ${y}`);
        }
    }
});

test("what lies at a corner is told apart", () => {
    const state = (/** @type {any[]} */ ...hits) => badgePlace.cornerState(hits, VIDEO);
    const video = hit({ isVideoOrAround: true });
    assert.equal(state(video, video), "free");
    assert.equal(state(video, null), "unknown");
    // A label of the player's, and a button in it.
    const player = box(100, 100, 640, 400);
    assert.equal(state(video, hit({ box: box(100, 100, 200, 40), commonBox: player })), "free");
    assert.equal(state(video, hit({ box: box(100, 100, 200, 40), commonBox: player, controlBox: box(100, 100, 200, 40) })), "control");
    // A sheet that takes the clicks of the whole picture is the player's own surface.
    assert.equal(state(video, hit({ box: VIDEO, commonBox: player, controlBox: VIDEO })), "free");
    // A header of the page that the video was scrolled under, and its link.
    const header = box(0, 0, 1280, 140);
    assert.equal(state(video, hit({ box: header })), "covered");
    assert.equal(state(video, hit({ box: header, controlBox: header }), null), "covered");
    // Something small that the page has put onto the picture, from elsewhere in its tree.
    assert.equal(state(hit({ box: box(110, 110, 60, 20), controlBox: box(110, 110, 60, 20) })), "control");
});

test("controls that fade in and out count as there, and what was not seen is as it was", () => {
    assert.equal(badgePlace.stateAfter(undefined, "free"), "free");
    assert.equal(badgePlace.stateAfter("control", "free"), "control");
    assert.equal(badgePlace.stateAfter("covered", "free"), "free");
    assert.equal(badgePlace.stateAfter("covered", "unknown"), "covered");
    assert.equal(badgePlace.stateAfter("free", "control"), "control");
    assert.equal(badgePlace.stateAfter(undefined, "unknown"), "unknown");
});

test("a badge goes with what its video goes with", () => {
    const before = { video: VIDEO, scroll: { x: 0, y: 0 } };
    assert.equal(badgePlace.anchorAfter("document", before, { video: VIDEO, scroll: { x: 0, y: 1 } }), "document");
    assert.equal(badgePlace.anchorAfter("document", before, { video: VIDEO, scroll: { x: 0, y: 200 } }), "viewport");
    assert.equal(badgePlace.anchorAfter("viewport", before, { video: VIDEO, scroll: { x: 0, y: 0 } }), "viewport");
    assert.equal(badgePlace.anchorAfter("viewport", before, { video: box(100, -100, 640, 360), scroll: { x: 0, y: 200 } }), "document");
});

test("small videos have none, or one without words", () => {
    assert.equal(badgePlace.isLargeEnough(box(0, 0, 95, 60)), false);
    assert.equal(badgePlace.isLargeEnough(box(0, 0, 96, 54)), true);
    assert.equal(badgePlace.isCompact(box(0, 0, 160, 90)), true);
    assert.equal(badgePlace.isCompact(VIDEO), false);
});

test("a menu opens to where there is room", () => {
    const viewport = { width: 1000, height: 800 };
    const menu = { width: 200, height: 120 };
    assert.deepEqual(badgePlace.menuSide(box(10, 10, 120, 30), menu, viewport), { isAbove: false, isRightAligned: false });
    assert.deepEqual(badgePlace.menuSide(box(870, 760, 120, 30), menu, viewport), { isAbove: true, isRightAligned: true });
    const tall = { width: 200, height: 900 };
    assert.deepEqual(badgePlace.menuSide(box(10, 10, 120, 30), tall, viewport), { isAbove: false, isRightAligned: false });
});
