// @ts-check
/**
 * Which frame shows which videos: in chrome.storage.session under `frame:<tabId>:<frameId>`, and a copy in memory.
 *
 * @typedef {import("../shared/types.js").VideoPlace} VideoPlace
 * @typedef {import("../shared/types.js").VideoSummary} VideoSummary
 * @typedef {Pick<typeof import("../shared/browser.js"), "readStorage"|"writeStorage"|"removeFromStorage">} TabsBrowser
 * @typedef {import("./diagnostics.js").Diagnostics} Diagnostics
 *
 * @typedef {object} Frame
 * @property {number} tabId
 * @property {number} frameId
 * @property {string} documentId
 * @property {string} pageOrigin  of the tab's page where it is known, else the frame's own
 * @property {string} pageTitle
 * @property {VideoSummary[]} videos
 */

const KEY_PREFIX = "frame:";
/** A page that makes more than this is left with what was told first. */
const MAXIMUM_TAB_FRAMES = 64;
const MAXIMUM_TAB_VIDEOS = 400;

export class Tabs {
    #browser;
    #diagnostics;
    /** @type {Map<string, Frame>} by storage key */
    #frames;
    /** @type {Map<string, (() => void)[]>} by document */
    #waiting = new Map();

    /**
     * @param {TabsBrowser} browser
     * @param {Diagnostics} diagnostics
     * @param {Map<string, Frame>} frames
     */
    constructor(browser, diagnostics, frames) {
        this.#browser = browser;
        this.#diagnostics = diagnostics;
        this.#frames = frames;
    }

    /**
     * @param {TabsBrowser} browser
     * @param {Diagnostics} diagnostics
     */
    static async open(browser, diagnostics) {
        const stored = await browser.readStorage("session", null);
        return new Tabs(browser, diagnostics, new Map(Object.entries(stored).filter(([key]) => key.startsWith(KEY_PREFIX))));
    }

    /** @returns {Frame[]} */
    frames() {
        return [...this.#frames.values()];
    }

    /** @param {number} tabId */
    framesOf(tabId) {
        return this.frames().filter((frame) => frame.tabId === tabId);
    }

    /** @returns {{place: VideoPlace, summary: VideoSummary, frame: Frame}[]} */
    videos() {
        const videosOf = (/** @type {Frame} */ frame) =>
            frame.videos.map((summary) => ({ place: placeOf(frame, summary.videoId), summary, frame }));
        return this.frames().flatMap(videosOf);
    }

    /** @param {VideoPlace} place */
    find(place) {
        const frame = this.#frames.get(keyOf(place));
        const summary = frame?.documentId === place.documentId ? frame.videos.find(({ videoId }) => videoId === place.videoId) : undefined;
        return frame && summary ? { place, summary, frame } : null;
    }

    /**
     * Whether a video's page is still there, as far as anybody told.
     * @param {VideoPlace} place
     */
    hasDocument(place) {
        return this.#frames.get(keyOf(place))?.documentId === place.documentId;
    }

    /**
     * Takes all the videos of a frame in the place of what was known of it.
     * @param {Frame} frame
     * @returns {Promise<Frame>}  as it is kept
     */
    async report(frame) {
        const key = keyOf(frame);
        const others = this.framesOf(frame.tabId).filter(({ frameId }) => frameId !== frame.frameId);
        const present = others.reduce((count, { videos }) => count + videos.length, 0);
        const room = others.length < MAXIMUM_TAB_FRAMES ? Math.max(0, MAXIMUM_TAB_VIDEOS - present) : 0;
        const kept = { ...frame, videos: frame.videos.slice(0, room) };
        this.#frames.set(key, kept);
        for (const heard of [...(this.#waiting.get(frame.documentId) ?? [])]) heard();
        await this.#write(key, kept);
        return kept;
    }

    /**
     * Waits until documents have told of their videos, but not for ever: one without any may say nothing.
     * @param {string[]} documentIds
     * @param {number} longestMilliseconds
     */
    async hear(documentIds, longestMilliseconds) {
        const known = new Set(this.frames().map(({ documentId }) => documentId));
        const silent = documentIds.filter((documentId) => !known.has(documentId));
        await Promise.all(silent.map((documentId) => this.#hearOne(documentId, longestMilliseconds)));
    }

    /** @param {number} tabId */
    async forgetTab(tabId) {
        await this.#forget(this.framesOf(tabId));
    }

    /**
     * Forgets the frames of a tab that are not among its documents any more.
     * @param {number} tabId
     * @param {string[]} documentIds
     */
    async keepDocuments(tabId, documentIds) {
        await this.#forget(this.framesOf(tabId).filter(({ documentId }) => !documentIds.includes(documentId)));
    }

    /** @param {string} documentId */
    async forgetDocument(documentId) {
        await this.#forget(this.frames().filter((frame) => frame.documentId === documentId));
    }

    /** @param {Frame[]} frames */
    async #forget(frames) {
        if (frames.length === 0) return;
        const keys = frames.map(keyOf);
        for (const key of keys) this.#frames.delete(key);
        await this.#browser.removeFromStorage("session", keys);
    }

    /**
     * @param {string} key
     * @param {Frame} frame
     */
    async #write(key, frame) {
        try {
            await this.#browser.writeStorage("session", { [key]: frame });
        } catch (error) {
            // It is known in memory; after the service worker's death the page tells again with its next change.
            this.#diagnostics.noteError("tabs.write_failed", error, { videos: frame.videos.length });
        }
    }

    /**
     * @param {string} documentId
     * @param {number} longestMilliseconds
     */
    #hearOne(documentId, longestMilliseconds) {
        return new Promise((resolve) => {
            const waiting = this.#waiting.get(documentId) ?? [];
            this.#waiting.set(documentId, waiting);
            const timer = setTimeout(() => heard(), longestMilliseconds);
            const heard = () => {
                clearTimeout(timer);
                waiting.splice(waiting.indexOf(heard), 1);
                if (waiting.length === 0) this.#waiting.delete(documentId);
                resolve(undefined);
            };
            waiting.push(heard);
        });
    }
}

/**
 * @param {{tabId: number, frameId: number, documentId: string}} frame
 * @param {string} videoId
 * @returns {VideoPlace}
 */
export function placeOf({ tabId, frameId, documentId }, videoId) {
    return { tabId, frameId, documentId, videoId };
}

/** @param {{tabId: number, frameId: number}} frame */
function keyOf({ tabId, frameId }) {
    return `${KEY_PREFIX}${tabId}:${frameId}`;
}
