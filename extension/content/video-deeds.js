// @ts-check
"use strict";
var whorl = whorl || {};

/** Where a video is, and how it is brought to a time. */
whorl.videoDeeds = (() => {
    const SEEK_MILLISECONDS = 3000;
    /** What lies farther away is not in the picture, however far it is. */
    const FARTHEST_PIXELS = 30_000;

    /** @typedef {{x: number, y: number, width: number, height: number}} Rectangle */

    /**
     * Where the video's picture is in the viewport: of the top page where that can be told, else of its own frame.
     * @param {HTMLVideoElement} video
     */
    function measure(video) {
        const style = getComputedStyle(video);
        const natural = { width: video.videoWidth, height: video.videoHeight };
        let rectangle = whorl.videos.pictureRectangle(contentBox(video, style), natural, style.objectFit, style.objectPosition);
        /** @type {Window} */
        let view = window;
        for (let frame = frameOf(view); frame; frame = frameOf(view)) {
            rectangle = whorl.videos.throughFrame(rectangle, frameBox(frame));
            view = view.parent;
        }
        return {
            rectangle: clamped(whorl.videos.zoomed(rectangle, view.visualViewport ?? { scale: 1, offsetLeft: 0, offsetTop: 0 })),
            viewport: { width: view.innerWidth, height: view.innerHeight },
            devicePixelRatio: view.devicePixelRatio,
            currentTimeSeconds: Number.isFinite(video.currentTime) ? Math.max(0, video.currentTime) : 0,
            isTop: view === view.top,
            isPaused: video.paused,
        };
    }

    /**
     * Brings the video to a time, and into view.
     * @param {HTMLVideoElement} video
     * @param {number} seconds
     * @returns {Promise<{done: boolean}>}
     */
    async function seek(video, seconds) {
        const behavior = matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
        video.scrollIntoView({ block: "center", inline: "nearest", behavior });
        if (!Number.isFinite(video.duration) || video.seekable.length === 0) return { done: false };
        const sought = whorl.waits.event(video, "seeked", SEEK_MILLISECONDS);
        video.currentTime = Math.min(Math.max(0, seconds), video.duration);
        return { done: (await sought) !== null };
    }

    /**
     * The element that a window is in, when that is of the same origin.
     * @param {Window} view
     * @returns {Element | null}
     */
    function frameOf(view) {
        try {
            return view.frameElement;
        } catch (error) {
            if (error instanceof DOMException) return null;
            throw error;
        }
    }

    /**
     * @param {HTMLElement} element
     * @param {CSSStyleDeclaration} style
     * @returns {Rectangle}
     */
    function contentBox(element, style) {
        const { left, top, width, height } = element.getBoundingClientRect();
        const scale = element.offsetWidth > 0 ? width / element.offsetWidth : 1;
        const pixels = (/** @type {string} */ text) => (Number.parseFloat(text) || 0) * scale;
        const paddings = [style.paddingLeft, style.paddingTop, style.paddingRight, style.paddingBottom].map(pixels);
        const borders = [style.borderLeftWidth, style.borderTopWidth, style.borderRightWidth, style.borderBottomWidth].map(pixels);
        const [leftEdge, topEdge, rightEdge, bottomEdge] = paddings.map((padding, index) => padding + borders[index]);
        return {
            x: left + leftEdge, y: top + topEdge,
            width: Math.max(0, width - leftEdge - rightEdge), height: Math.max(0, height - topEdge - bottomEdge),
        };
    }

    /**
     * A frame's content box in its parent's viewport, and by how much its own pixels are larger there.
     * @param {Element} frame
     */
    function frameBox(frame) {
        const element = /** @type {HTMLElement} */ (frame);
        const scale = element.offsetWidth > 0 ? element.getBoundingClientRect().width / element.offsetWidth : 1;
        return { ...contentBox(element, /** @type {Window} */ (element.ownerDocument.defaultView).getComputedStyle(element)), scale };
    }

    /**
     * @param {Rectangle} rectangle
     * @returns {Rectangle}
     */
    function clamped({ x, y, width, height }) {
        const within = (/** @type {number} */ value) => Math.min(FARTHEST_PIXELS, Math.max(-FARTHEST_PIXELS, value));
        return { x: within(x), y: within(y), width: within(width), height: within(height) };
    }

    return { measure, seek };
})();
