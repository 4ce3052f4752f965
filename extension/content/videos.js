// @ts-check
"use strict";
var whorl = whorl || {};

/**
 * @typedef {import("../shared/types.js").VideoSummary} VideoSummary
 * @typedef {import("../shared/types.js").VideoSource} VideoSource
 *
 * @typedef {object} VideoIdentity  what a video element shows
 * @property {unknown} object  its srcObject
 * @property {string} address  without its fragment
 *
 * @typedef {object} TrackedVideo
 * @property {HTMLVideoElement} video
 * @property {string} videoId
 * @property {VideoIdentity | null} identity  null: nothing was loaded yet
 * @property {boolean} isVisible
 * @property {boolean} wasEncrypted  the `encrypted` event came
 */

/** What is told of a video element. */
whorl.videos = (() => {
    const LONGEST_ADDRESS = 4096;
    const LONGEST_LIST = 200;
    /** What claims to last longer counts as live. */
    const LONGEST_SECONDS = 1e6;
    // HTMLMediaElement's networkState.
    const NETWORK_EMPTY = 0;
    const NETWORK_NO_SOURCE = 3;
    // Its readyState.
    const HAVE_NOTHING = 0;

    /** crypto.randomUUID is for secure contexts alone; this is not. */
    function randomId() {
        return Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, "0")).join("");
    }

    /**
     * Elements that came from another document keep that one's prototypes, so they are known by what they have.
     * @param {Element} element
     * @returns {element is HTMLVideoElement}
     */
    function isVideo(element) {
        return element.localName === "video" && "requestVideoFrameCallback" in element;
    }

    /**
     * @param {Pick<HTMLVideoElement, "srcObject"|"currentSrc"|"networkState">} video
     * @returns {VideoSource}
     */
    function sourceOf(video) {
        if (video.srcObject) return { kind: "stream" };
        if (!video.currentSrc || video.networkState === NETWORK_EMPTY || video.networkState === NETWORK_NO_SOURCE) return { kind: "none" };
        // An address that is too long to tell can be read as a stream is: by its frames.
        const isTold = /^https?:\/\//.test(video.currentSrc) && video.currentSrc.length <= LONGEST_ADDRESS;
        return isTold ? { kind: "http", url: video.currentSrc } : { kind: "stream" };
    }

    /**
     * @param {Pick<HTMLVideoElement, "srcObject"|"currentSrc"|"networkState">} video
     * @returns {VideoIdentity | null}  null: nothing is loaded
     */
    function identityOf(video) {
        if (sourceOf(video).kind === "none") return null;
        return { object: video.srcObject ?? null, address: video.srcObject ? "" : video.currentSrc.replace(/#.*$/s, "") };
    }

    /**
     * @param {VideoIdentity | null} one
     * @param {VideoIdentity | null} other
     */
    function isSameIdentity(one, other) {
        return one?.object === other?.object && one?.address === other?.address;
    }

    /**
     * Notes what the element shows now. Where that is another video than before, it gets another id.
     * @param {TrackedVideo} tracked
     * @returns {boolean}  whether it is another one
     */
    function noteIdentity(tracked) {
        const identity = identityOf(tracked.video);
        const before = tracked.identity;
        if (!identity) return false;
        tracked.identity = identity;
        if (!before || isSameIdentity(before, identity)) return false;
        tracked.videoId = randomId();
        tracked.wasEncrypted = false;
        return true;
    }

    /**
     * @param {TrackedVideo} tracked
     * @returns {VideoSummary}
     */
    function summarize({ video, videoId, isVisible, wasEncrypted }) {
        const duration = video.duration;
        return {
            videoId,
            source: sourceOf(video),
            durationSeconds: duration >= 0 && duration <= LONGEST_SECONDS ? Math.round(duration * 1000) / 1000 : null,
            widthPixels: video.videoWidth,
            heightPixels: video.videoHeight,
            isVisible,
            isProtected: wasEncrypted || Boolean(video.mediaKeys),
        };
    }

    /**
     * Whether there is, or may be, a picture to judge.
     * @param {HTMLVideoElement} video
     */
    function mayHavePicture(video) {
        return sourceOf(video).kind !== "none" && (video.videoWidth > 0 || video.readyState === HAVE_NOTHING);
    }

    /**
     * All that are told of: the visible ones first, and no more than may be told.
     * @param {Iterable<TrackedVideo>} tracked
     */
    function summarizeAll(tracked) {
        const all = [...tracked];
        return [...all.filter((each) => each.isVisible), ...all.filter((each) => !each.isVisible)].slice(0, LONGEST_LIST).map(summarize);
    }

    /**
     * Where the picture lies in its element's content box, as `object-fit` and `object-position` put it: the part of it within the box.
     * @param {{x: number, y: number, width: number, height: number}} box
     * @param {{width: number, height: number}} natural
     * @param {string} fit
     * @param {string} position  computed: two percentages or lengths
     */
    function pictureRectangle(box, natural, fit, position) {
        if (natural.width <= 0 || natural.height <= 0 || fit === "fill") return { ...box };
        const contained = Math.min(box.width / natural.width, box.height / natural.height);
        const scale = fit === "cover" ? Math.max(box.width / natural.width, box.height / natural.height)
            : fit === "none" ? 1 : fit === "scale-down" ? Math.min(1, contained) : contained;
        const width = natural.width * scale;
        const height = natural.height * scale;
        const [horizontal = "50%", vertical = "50%"] = position.split(" ");
        const x = box.x + offset(horizontal, box.width - width);
        const y = box.y + offset(vertical, box.height - height);
        const left = Math.max(box.x, x);
        const top = Math.max(box.y, y);
        return {
            x: left, y: top,
            width: Math.max(0, Math.min(box.x + box.width, x + width) - left),
            height: Math.max(0, Math.min(box.y + box.height, y + height) - top),
        };
    }

    /**
     * @param {string} text
     * @param {number} room  of which percentages are
     */
    function offset(text, room) {
        const value = Number.parseFloat(text);
        if (!Number.isFinite(value)) return room / 2;
        return text.endsWith("%") ? (room * value) / 100 : value;
    }

    /**
     * A rectangle of a frame's viewport as its parent's has it: what the frame's box leaves of it.
     * @param {{x: number, y: number, width: number, height: number}} rectangle
     * @param {{x: number, y: number, width: number, height: number, scale: number}} frame
     */
    function throughFrame(rectangle, frame) {
        const left = Math.max(frame.x, frame.x + rectangle.x * frame.scale);
        const top = Math.max(frame.y, frame.y + rectangle.y * frame.scale);
        const right = Math.min(frame.x + frame.width, frame.x + (rectangle.x + rectangle.width) * frame.scale);
        const bottom = Math.min(frame.y + frame.height, frame.y + (rectangle.y + rectangle.height) * frame.scale);
        return { x: left, y: top, width: Math.max(0, right - left), height: Math.max(0, bottom - top) };
    }

    /**
     * A rectangle of the viewport in a picture of it, when the person has zoomed in with two fingers.
     * @param {{x: number, y: number, width: number, height: number}} rectangle
     * @param {{scale: number, offsetLeft: number, offsetTop: number}} zoom
     */
    function zoomed({ x, y, width, height }, { scale, offsetLeft, offsetTop }) {
        return { x: (x - offsetLeft) * scale, y: (y - offsetTop) * scale, width: width * scale, height: height * scale };
    }

    return {
        isVideo, randomId, sourceOf, identityOf, isSameIdentity, noteIdentity, summarize, summarizeAll, mayHavePicture,
        pictureRectangle, throughFrame, zoomed,
    };
})();
