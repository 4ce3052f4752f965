// @ts-check
"use strict";
var whorl = whorl || {};

/**
 * @typedef {object} DrawnFrame
 * @property {number} seconds  when the video shows it, to the millisecond
 * @property {Blob} picture
 * @property {number} spread  between its darkest and its brightest pixel, of 255
 */

/** Which frames are taken of a video, and what they are worth. */
whorl.framePlan = (() => {
    const LONGEST_SIDE_PIXELS = 1280;
    /** A frame whose luma spreads less shows nothing: encrypted media draw plain black. */
    const LEAST_SPREAD = 6;
    const LEAST_FRAMES = 8;
    const MOST_FRAMES = 64;
    /** The gateway takes times up to a day. */
    const LATEST_SECONDS = 86_400;

    /**
     * The middles of `count` equal parts.
     * @param {number} start
     * @param {number} end
     * @param {number} count
     */
    function evenTimes(start, end, count) {
        return Array.from({ length: count }, (_, index) => start + ((index + 0.5) * (end - start)) / count);
    }

    /**
     * Every fourth first, then those in the middle, then the others: whenever it ends, what there is lies evenly.
     * @param {number[]} times
     */
    function coarseFirst(times) {
        return [0, 2, 1, 3].flatMap((start) => times.filter((_, index) => index % 4 === start));
    }

    /**
     * @param {number} width
     * @param {number} height
     */
    function frameSize(width, height) {
        const scale = Math.min(1, LONGEST_SIDE_PIXELS / Math.max(width, height));
        return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
    }

    /**
     * Between the darkest and the brightest pixel's luma (Rec. 709).
     * @param {Uint8ClampedArray} rgba
     */
    function lumaSpread(rgba) {
        let least = 255;
        let most = 0;
        for (let index = 0; index < rgba.length; index += 4) {
            const luma = 0.2126 * rgba[index] + 0.7152 * rgba[index + 1] + 0.0722 * rgba[index + 2];
            if (luma < least) least = luma;
            if (luma > most) most = luma;
        }
        return Math.max(0, most - least);
    }

    /**
     * In the order of their times, one for each millisecond at most, as the gateway demands: it wants rising times within a day.
     * @param {DrawnFrame[]} frames
     */
    function inOrder(frames) {
        const sorted = [...frames].sort((first, second) => first.seconds - second.seconds);
        const rising = sorted.filter((frame, index) => index === 0 || frame.seconds > sorted[index - 1].seconds);
        // Live streams may count from the epoch; then only the distances tell anything.
        const origin = (rising.at(-1)?.seconds ?? 0) > LATEST_SECONDS || (rising[0]?.seconds ?? 0) < 0 ? rising[0].seconds : 0;
        return rising.map((frame) => ({ ...frame, seconds: toMilliseconds(frame.seconds - origin) }));
    }

    /** @param {number} seconds */
    function toMilliseconds(seconds) {
        return Math.round(seconds * 1000) / 1000;
    }

    /**
     * Why these frames are not enough to judge a video by; null: they are.
     * @param {DrawnFrame[]} frames  in order
     * @param {{isWhole: boolean, isProtected: boolean, isPaused: boolean, isHidden: boolean}} video  `isWhole`: they are all that could
     *   be had of it; `isHidden`: its page is not in front
     * @returns {import("../shared/types.js").AnalysisProblem | null}
     */
    function problemOf(frames, { isWhole, isProtected, isPaused, isHidden }) {
        if (frames.length < (isWhole ? 1 : LEAST_FRAMES)) {
            const paused = isPaused ? "the video is paused and cannot be sought; play it" : "the video stood still";
            const reason = isHidden ? "the page is not in front" : paused;
            return { code: "reading_failed", detail: `${frames.length} frames could be drawn, ${LEAST_FRAMES} are needed: ${reason}` };
        }
        if (frames.some((frame) => frame.spread >= LEAST_SPREAD)) return null;
        if (isProtected) return { code: "protected", detail: "" };
        return { code: "black", detail: `all ${frames.length} frames are of one colour` };
    }

    return { LEAST_FRAMES, MOST_FRAMES, evenTimes, coarseFirst, frameSize, lumaSpread, inOrder, toMilliseconds, problemOf };
})();
