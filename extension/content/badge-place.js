// @ts-check
"use strict";
var whorl = whorl || {};

/**
 * @typedef {object} Box  in CSS pixels of the viewport
 * @property {number} left
 * @property {number} top
 * @property {number} right
 * @property {number} bottom
 *
 * @typedef {"top-left"|"top-right"|"bottom-left"|"bottom-right"} Corner
 * @typedef {"free"|"control"|"covered"|"unknown"} CornerState
 *   `control`: something that takes clicks lies there. `covered`: something that is not of the player. `unknown`: outside the viewport.
 *
 * @typedef {object} Hit  what lies at a point of a video's corner, over or under the badge
 * @property {boolean} isVideoOrAround  the video, or something that has it within
 * @property {Box} box
 * @property {Box} commonBox  of the smallest element that has both it and the video within
 * @property {Box | null} controlBox  of the nearest element that takes clicks, from the hit up to that smallest one; null: there is none
 *
 * @typedef {"document"|"viewport"} Anchor  what a badge goes with while the page is scrolled
 * @typedef {{x: number, y: number}} Point
 */

/** Where a badge belongs. */
whorl.badgePlace = (() => {
    const INSET_PIXELS = 8;
    /** Within the inset. */
    const RING_PIXELS = 4;
    const SMALLEST_WIDTH_PIXELS = 96;
    const SMALLEST_HEIGHT_PIXELS = 54;
    const COMPACT_WIDTH_PIXELS = 200;
    /** Something that takes clicks and is larger than this share of the video is the picture itself, such as a link around it. */
    const LARGEST_CONTROL_SHARE = 0.4;
    /** What shares with the video an element of at most this many times its area belongs to its player. */
    const LARGEST_PLAYER_RATIO = 1.6;
    const TOLERANCE_PIXELS = 4;

    /**
     * In the order of preference: the one where reading begins comes first.
     * @param {"ltr"|"rtl"} direction
     * @returns {Corner[]}
     */
    function corners(direction) {
        if (direction === "rtl") return ["top-right", "top-left", "bottom-right", "bottom-left"];
        return ["top-left", "top-right", "bottom-left", "bottom-right"];
    }

    /** @param {Box} video */
    function isLargeEnough(video) {
        return video.right - video.left >= SMALLEST_WIDTH_PIXELS && video.bottom - video.top >= SMALLEST_HEIGHT_PIXELS;
    }

    /** @param {Box} video */
    function isCompact(video) {
        return video.right - video.left < COMPACT_WIDTH_PIXELS;
    }

    /**
     * @param {Corner} corner
     * @param {Box} video
     * @param {{width: number, height: number}} size
     * @returns {Box}
     */
    function boxAt(corner, video, size) {
        const left = corner.endsWith("left") ? video.left + INSET_PIXELS : video.right - INSET_PIXELS - size.width;
        const top = corner.startsWith("top") ? video.top + INSET_PIXELS : video.bottom - INSET_PIXELS - size.height;
        return { left, top, right: left + size.width, bottom: top + size.height };
    }

    /**
     * The points of a badge's box at which is looked what lies there.
     * @param {Box} box
     * @returns {Point[]}
     */
    function pointsOf({ left, top, right, bottom }) {
        const horizontal = [left + 2, (left + right) / 2, right - 2];
        return horizontal.flatMap((x) => [{ x, y: top + 2 }, { x, y: bottom - 2 }]);
    }

    /**
     * The points around a badge that is there: what lies under it cannot be seen, but hardly anything ends with its edges.
     * @param {Corner} corner
     * @param {Box} box
     * @returns {Point[]}
     */
    function pointsAround(corner, { left, top, right, bottom }) {
        const inner = corner.startsWith("top") ? bottom + RING_PIXELS : top - RING_PIXELS;
        const middle = (top + bottom) / 2;
        return [{ x: left - RING_PIXELS, y: middle }, { x: right + RING_PIXELS, y: middle }, { x: (left + right) / 2, y: inner }];
    }

    /**
     * @param {(Hit | null)[]} hits  null: the point is outside the viewport
     * @param {Box} video
     * @returns {CornerState}
     */
    function cornerState(hits, video) {
        const states = hits.map((hit) => (hit ? hitState(hit, video) : "unknown"));
        return /** @type {CornerState[]} */ (["covered", "control", "unknown"]).find((state) => states.includes(state)) ?? "free";
    }

    /**
     * @param {Hit} hit
     * @param {Box} video
     * @returns {CornerState}
     */
    function hitState({ isVideoOrAround, box, commonBox, controlBox }, video) {
        if (isVideoOrAround) return "free";
        const isOfPlayer = contains(video, box) || area(commonBox) <= area(video) * LARGEST_PLAYER_RATIO;
        if (!isOfPlayer) return "covered";
        return controlBox && area(controlBox) <= area(video) * LARGEST_CONTROL_SHARE ? "control" : "free";
    }

    /**
     * @param {object} given
     * @param {Box} given.video
     * @param {Box} given.clip  what the elements around the video leave of it
     * @param {{width: number, height: number}} given.size  the badge's
     * @param {Partial<Record<Corner, CornerState>>} given.states  as last looked at
     * @param {"ltr"|"rtl"} given.direction
     * @param {boolean} given.hasNativeControls
     * @returns {Corner | null}  null: none is to be had, and there is no badge
     */
    function chooseCorner({ video, clip, size, states, direction, hasNativeControls }) {
        // The browser's own controls are at the bottom, and no hit tells of them.
        const offered = corners(direction).filter((corner) => !(hasNativeControls && corner.startsWith("bottom")));
        const usable = offered.filter((corner) => contains(clip, boxAt(corner, video, size)));
        for (const wanted of ["free", "unknown", "control"]) {
            const found = usable.find((corner) => (states[corner] ?? "unknown") === wanted);
            if (found) return found;
        }
        return null;
    }

    /**
     * What is known of a corner after another look. Controls that come and go with the pointer count as there: no badge dances with them.
     * @param {CornerState | undefined} before
     * @param {CornerState} now
     * @returns {CornerState}
     */
    function stateAfter(before, now) {
        if (now === "unknown") return before ?? now;
        return before === "control" && now === "free" ? before : now;
    }

    /**
     * What the video went with when the page was last scrolled.
     * @param {Anchor} anchor  as it was known before
     * @param {{video: Box, scroll: Point}} before
     * @param {{video: Box, scroll: Point}} now
     * @returns {Anchor}
     */
    function anchorAfter(anchor, before, now) {
        const scrolled = Math.abs(now.scroll.x - before.scroll.x) + Math.abs(now.scroll.y - before.scroll.y);
        if (scrolled < 2) return anchor;
        const moved = Math.abs(now.video.left - before.video.left) + Math.abs(now.video.top - before.video.top);
        return moved < 0.5 ? "viewport" : "document";
    }

    /**
     * @param {Box[]} boxes
     * @returns {Box}  what is common to all; everything where there is none
     */
    function intersection(boxes) {
        return {
            left: Math.max(-Infinity, ...boxes.map((box) => box.left)),
            top: Math.max(-Infinity, ...boxes.map((box) => box.top)),
            right: Math.min(Infinity, ...boxes.map((box) => box.right)),
            bottom: Math.min(Infinity, ...boxes.map((box) => box.bottom)),
        };
    }

    /**
     * @param {Box} outer
     * @param {Box} inner
     */
    function contains(outer, inner) {
        return inner.left >= outer.left - TOLERANCE_PIXELS && inner.top >= outer.top - TOLERANCE_PIXELS
            && inner.right <= outer.right + TOLERANCE_PIXELS && inner.bottom <= outer.bottom + TOLERANCE_PIXELS;
    }

    /** @param {Box} box */
    function area({ left, top, right, bottom }) {
        return Math.max(0, right - left) * Math.max(0, bottom - top);
    }

    /**
     * On which side of the badge its menu has room, in the viewport.
     * @param {Box} badge
     * @param {{width: number, height: number}} menu
     * @param {{width: number, height: number}} viewport
     * @returns {{isAbove: boolean, isRightAligned: boolean}}
     */
    function menuSide(badge, menu, viewport) {
        const roomBelow = viewport.height - badge.bottom;
        return {
            isAbove: roomBelow < menu.height && badge.top > roomBelow,
            isRightAligned: viewport.width - badge.left < menu.width && badge.right > viewport.width - badge.left,
        };
    }

    return {
        corners, isLargeEnough, isCompact, boxAt, pointsOf, pointsAround, cornerState, stateAfter, chooseCorner, anchorAfter, intersection,
        menuSide,
    };
})();
