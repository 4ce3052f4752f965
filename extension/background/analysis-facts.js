// @ts-check
/**
 * What an analysis is at its beginning, and what can be told of one by looking at it. Pure.
 *
 * @typedef {import("../shared/types.js").Analysis} Analysis
 * @typedef {import("../shared/types.js").AnalysisState} AnalysisState
 * @typedef {import("../shared/types.js").ReadingMethod} ReadingMethod
 * @typedef {import("../shared/types.js").VideoPlace} VideoPlace
 * @typedef {import("../shared/types.js").VideoSummary} VideoSummary
 *
 * @typedef {"read"|"upload"|"poll"|"cancel"} Work
 */

/**
 * In the order in which they are tried.
 * @type {readonly ReadingMethod[]}
 */
export const METHODS = ["file", "url", "frames", "capture"];

/** @type {readonly AnalysisState[]} */
const ENDS = ["succeeded", "failed", "cancelled", "unreadable"];
/** Of one video, told twice. */
const DURATION_TOLERANCE_SECONDS = 0.5;

/**
 * @param {object} question
 * @param {string} question.id
 * @param {number} question.now
 * @param {VideoPlace} [question.place]
 * @param {Pick<Analysis, "source"|"durationSeconds"|"isLive"|"isVisible">} question.video
 * @param {{origin: string, title: string}} question.page
 * @param {boolean} question.isAutomatic
 * @param {boolean} question.isFresh
 * @returns {Analysis}
 */
export function newAnalysis({ id, now, place, video, page, isAutomatic, isFresh }) {
    /** @type {Analysis} */
    const analysis = {
        id,
        state: "waiting",
        createdAt: now,
        changedAt: now,
        pageOrigin: page.origin,
        pageTitle: page.title.slice(0, 200),
        source: video.source,
        durationSeconds: video.durationSeconds,
        isLive: video.isLive,
        isVisible: video.isVisible,
        isAutomatic,
        isFresh,
        readings: 0,
        progress: 0,
        failures: 0,
        isReused: false,
    };
    return place ? { ...analysis, place } : analysis;
}

/**
 * Whether a video has no end. One of which nothing is loaded has no duration either.
 * @param {VideoSummary} summary
 */
export function isLive({ durationSeconds, widthPixels }) {
    return durationSeconds === null && widthPixels > 0;
}

/** @param {Analysis} analysis */
export function hasEnded({ state }) {
    return ENDS.includes(state);
}

/** @param {Analysis} analysis */
export function isAtGateway({ state }) {
    return state === "queued" || state === "running";
}

/**
 * What is to be done now; null while it waits, and at the end.
 * @param {Analysis} analysis
 * @returns {Work | null}
 */
export function workOf(analysis) {
    if (analysis.state === "reading") return "read";
    if (analysis.state === "uploading") return "upload";
    if (!isAtGateway(analysis)) return null;
    return analysis.isStopping ? "cancel" : "poll";
}

/**
 * Whether bytes of it are on this machine.
 * @param {Analysis} analysis
 */
export function holdsClip({ state, sha256 }) {
    return state === "reading" || ((state === "waiting" || state === "uploading") && sha256 !== undefined);
}

/**
 * @param {VideoPlace | undefined} one
 * @param {VideoPlace | undefined} other
 */
export function isSamePlace(one, other) {
    if (!one || !other) return false;
    const isSameFrame = one.tabId === other.tabId && one.frameId === other.frameId;
    return isSameFrame && one.documentId === other.documentId && one.videoId === other.videoId;
}

/**
 * The analysis that a video shows: the latest that was asked for there, else the latest of the same file.
 * @param {VideoPlace} place
 * @param {VideoSummary} summary
 * @param {Iterable<Analysis>} analyses
 * @returns {Analysis | null}
 */
export function analysisOf(place, summary, analyses) {
    /** @type {Analysis | null} */
    let own = null;
    /** @type {Analysis | null} */
    let same = null;
    for (const analysis of analyses) {
        if (!isSameSource(analysis, summary)) continue;
        if (isSamePlace(analysis.place, place)) own = later(own, analysis);
        else if (isWorthSharing(analysis)) same = later(same, analysis);
    }
    return own ?? same;
}

/**
 * @param {Analysis} analysis
 * @param {VideoSummary} summary
 */
function isSameSource({ source, durationSeconds }, summary) {
    if (source.kind !== summary.source.kind || source.url !== summary.source.url) return false;
    if (source.kind !== "http" || durationSeconds === null || summary.durationSeconds === null) return true;
    return Math.abs(durationSeconds - summary.durationSeconds) <= DURATION_TOLERANCE_SECONDS;
}

/**
 * Whether another place with the same file may show it: it has a verdict, or is on its way to one.
 * @param {Analysis} analysis
 */
function isWorthSharing(analysis) {
    if (analysis.source.kind !== "http" || analysis.isLive) return false;
    return analysis.state === "succeeded" || !hasEnded(analysis);
}

/**
 * @param {Analysis | null} one
 * @param {Analysis} other
 */
function later(one, other) {
    return one && one.createdAt > other.createdAt ? one : other;
}
