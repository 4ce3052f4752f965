// @ts-check
/**
 * What the popup knows of videos and analyses, kept up to date by what is stored: asking the service worker again at every step of an upload
 * would cost more than the step. Pure.
 *
 * @typedef {import("../shared/types.js").Analysis} Analysis
 * @typedef {import("../shared/types.js").VideoPlace} VideoPlace
 * @typedef {import("./rows.js").TabVideo} TabVideo
 */

const STORED = /^analysis:(.+)$/;

export class KnownAnalyses {
    /** @type {Map<string, Analysis>} */
    #analyses = new Map();
    /** @type {TabVideo[]} */
    #videos = [];

    get videos() {
        return this.#videos;
    }

    /** @param {TabVideo[]} videos */
    hear(videos) {
        this.#videos = videos.map((video) => ({ ...video, analysis: video.analysis && this.#latest(video.analysis) }));
    }

    /** @param {Analysis[]} analyses */
    list(analyses) {
        this.#analyses = new Map(analyses.map((analysis) => [analysis.id, this.#latest(analysis)]));
    }

    /**
     * @param {import("../shared/browser.js").StorageChanges} changes  of what is stored for good
     * @returns {boolean}  whether any of them was of an analysis
     */
    take(changes) {
        const changed = Object.keys(changes).filter((key) => STORED.test(key));
        for (const key of changed) this.#takeOne(key.replace(STORED, "$1"), changes[key].newValue ?? null);
        return changed.length > 0;
    }

    /** Of other videos than the tab's own, the newest first. */
    elsewhere() {
        const shown = new Set(this.#videos.map(({ analysis }) => analysis?.id));
        return [...this.#analyses.values()].filter(({ id }) => !shown.has(id)).sort((one, other) => other.createdAt - one.createdAt);
    }

    /**
     * A change can overtake the answer to an earlier question.
     * @param {Analysis} analysis
     */
    #latest(analysis) {
        const known = this.#analyses.get(analysis.id);
        return known && known.changedAt > analysis.changedAt ? known : analysis;
    }

    /**
     * @param {string} id
     * @param {Analysis | null} analysis  null: it was forgotten
     */
    #takeOne(id, analysis) {
        if (analysis) this.#analyses.set(id, analysis);
        else this.#analyses.delete(id);
        this.#videos = this.#videos.map((video) => (concerns(video, id, analysis) ? { ...video, analysis } : video));
    }
}

/**
 * Whether a video shows this analysis, or is to show it since it is the latest about it.
 * @param {TabVideo} video
 * @param {string} id
 * @param {Analysis | null} analysis
 */
function concerns(video, id, analysis) {
    if (video.analysis?.id === id) return true;
    if (!analysis?.place || !isSamePlace(video.place, analysis.place)) return false;
    return !video.analysis || analysis.createdAt > video.analysis.createdAt;
}

/**
 * @param {VideoPlace} one
 * @param {VideoPlace} other
 */
function isSamePlace(one, other) {
    return one.tabId === other.tabId && one.documentId === other.documentId && one.videoId === other.videoId;
}
