// @ts-check
import { sendMessage } from "./browser.js";
import { cutText, flag, list, nullable, number, oneOf, optional, record, Refused, text, whole } from "./check.js";
import { isWebOrigin } from "./settings.js";

/**
 * Every message's shape, and the check of what comes in.
 *
 * @typedef {import("./types.js").Analysis} Analysis
 * @typedef {import("./types.js").AnalysisProblem} AnalysisProblem
 * @typedef {import("./types.js").BadgeView} BadgeView
 * @typedef {import("./types.js").SiteSetting} SiteSetting
 * @typedef {import("./types.js").VideoPlace} VideoPlace
 * @typedef {import("./types.js").VideoSummary} VideoSummary
 *
 * @typedef {{type: "videos.found", videos: VideoSummary[]}
 *   | {type: "analysis.ask", videoId: string, again: boolean}
 *   | {type: "analysis.cancel", videoId: string}
 *   | {type: "panel.open", videoId: string}
 *   | {type: "badges.hide"}} ContentMessage  from a content script
 *
 * @typedef {{type: "tab.videos", tabId: number}
 *   | {type: "video.ask", place: VideoPlace, again: boolean}
 *   | {type: "analysis.get"|"analysis.stop"|"analysis.again"|"analysis.erase", analysisId: string}
 *   | {type: "analyses.list", limit: number}
 *   | {type: "analysis.seek", analysisId: string, seconds: number}
 *   | {type: "connection.check", gatewayUrl?: string, gatewayKey?: string}
 *   | {type: "site.set", origin: string, setting: SiteSetting | null}
 *   | {type: "everything.forget"}
 *   | {type: "diagnostics"}} PageMessage  from a page of the extension
 *
 * @typedef {{kind: "head", mediaType: string, length: number | null, frameTimesSeconds?: number[]}
 *   | {kind: "bytes", base64: string}
 *   | {kind: "progress", progress: number}
 *   | {kind: "end"}
 *   | {kind: "failed", problem: AnalysisProblem}} ClipMessage  over a port `clip:<analysisId>`, from a content script
 *
 * @typedef {{x: number, y: number, width: number, height: number}} Rectangle
 * @typedef {object} Measure  where a video is, as its frame sees it
 * @property {Rectangle} rectangle  in the frame's CSS pixels
 * @property {{width: number, height: number}} viewport
 * @property {number} devicePixelRatio
 * @property {number} currentTimeSeconds
 * @property {boolean} isTop
 * @property {boolean} isPaused
 */

export const MAXIMUM_VIDEOS = 200;
export const MAXIMUM_URL_LENGTH = 4096;
export const MAXIMUM_LISTED = 500;
export const MAXIMUM_FRAMES = 64;
/** A piece of a clip in a port's message, once it is decoded. */
export const MAXIMUM_PIECE_BYTES = 1 << 20;
export const CLIP_PORT_PREFIX = "clip:";

const MAXIMUM_TIME_SECONDS = 1e7;
const MAXIMUM_PIXELS = 65_536;

const analysisId = text(36, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
const videoId = text(64, /^[\w-]+$/);
const seconds = number(0, MAXIMUM_TIME_SECONDS);
const pixels = number(-MAXIMUM_PIXELS, MAXIMUM_PIXELS);

const place = record({
    tabId: whole(0, Number.MAX_SAFE_INTEGER),
    frameId: whole(0, Number.MAX_SAFE_INTEGER),
    documentId: text(64, /^\w+$/),
    videoId,
});

const source = record({
    kind: oneOf("http", "stream", "none"),
    url: optional(text(MAXIMUM_URL_LENGTH, /^https?:\/\//)),
});

const summary = record({
    videoId,
    source,
    durationSeconds: nullable(seconds),
    widthPixels: whole(0, MAXIMUM_PIXELS),
    heightPixels: whole(0, MAXIMUM_PIXELS),
    isVisible: flag,
    isProtected: flag,
});

const problem = record({ code: text(64, /^[a-z][a-z0-9_]*$/), detail: cutText(500) });
const siteSetting = record({ analysis: oneOf("ask", "automatic"), showsBadges: flag });

/** @type {Record<string, Record<string, import("./check.js").Check<any>>>} */
const CONTENT_MEMBERS = {
    "videos.found": { videos: list(summary, MAXIMUM_VIDEOS) },
    "analysis.ask": { videoId, again: flag },
    "analysis.cancel": { videoId },
    "panel.open": { videoId },
    "badges.hide": {},
};

/** @type {Record<string, Record<string, import("./check.js").Check<any>>>} */
const PAGE_MEMBERS = {
    "tab.videos": { tabId: whole(0, Number.MAX_SAFE_INTEGER) },
    "video.ask": { place, again: flag },
    "analysis.get": { analysisId },
    "analysis.stop": { analysisId },
    "analysis.again": { analysisId },
    "analysis.erase": { analysisId },
    "analyses.list": { limit: whole(1, MAXIMUM_LISTED) },
    "analysis.seek": { analysisId, seconds },
    "connection.check": { gatewayUrl: optional(text(2048)), gatewayKey: optional(text(512)) },
    "site.set": { origin: webOrigin, setting: nullable(siteSetting) },
    "everything.forget": {},
    diagnostics: {},
};

/** @type {Record<string, Record<string, import("./check.js").Check<any>>>} */
const CLIP_MEMBERS = {
    head: {
        mediaType: cutText(100),
        length: nullable(whole(0, Number.MAX_SAFE_INTEGER)),
        frameTimesSeconds: optional(list(seconds, MAXIMUM_FRAMES)),
    },
    bytes: { base64: text(Math.ceil(MAXIMUM_PIECE_BYTES / 3) * 4) },
    progress: { progress: number(0, 1) },
    end: {},
    failed: { problem },
};

/**
 * @param {unknown} message
 * @returns {ContentMessage}
 * @throws {Refused}
 */
export function checkContentMessage(message) {
    return checkKind(message, "type", CONTENT_MEMBERS);
}

/**
 * @param {unknown} message
 * @returns {PageMessage}
 * @throws {Refused}
 */
export function checkPageMessage(message) {
    return checkKind(message, "type", PAGE_MEMBERS);
}

/**
 * @param {unknown} message
 * @returns {ClipMessage}
 * @throws {Refused}
 */
export function checkClipMessage(message) {
    return checkKind(message, "kind", CLIP_MEMBERS);
}

/** What `clip.read` is answered with. */
export const checkAccepted = record({ accepted: flag });

/** What `video.seek` is answered with. */
export const checkDone = record({ done: flag });

const measure = record({
    rectangle: record({ x: pixels, y: pixels, width: number(0, MAXIMUM_PIXELS), height: number(0, MAXIMUM_PIXELS) }),
    viewport: record({ width: number(1, MAXIMUM_PIXELS), height: number(1, MAXIMUM_PIXELS) }),
    devicePixelRatio: number(0.01, 100),
    currentTimeSeconds: seconds,
    isTop: flag,
    isPaused: flag,
});

/**
 * What `video.measure` is answered with.
 * @param {any} answer
 * @returns {Measure | null}  null: the video is gone
 * @throws {Refused}
 */
export function checkMeasure(answer) {
    return answer?.gone === true ? null : measure(answer, "answer");
}

/** What the service worker could not do for a page. */
export class ProblemError extends Error {
    /** @param {AnalysisProblem} problem */
    constructor(problem) {
        super(problem.detail || problem.code);
        this.name = "ProblemError";
        this.problem = problem;
    }
}

/**
 * Asks the service worker, from a page of the extension.
 * @param {PageMessage} message
 * @returns {Promise<any>}
 * @throws {ProblemError}
 */
export async function ask(message) {
    const answer = await sendMessage(message);
    // tab.videos has a problem beside what it found.
    if (answer?.problem && !answer.videos) throw new ProblemError(answer.problem);
    return answer;
}

/**
 * @param {unknown} message
 * @param {"type"|"kind"} selector
 * @param {Record<string, Record<string, import("./check.js").Check<any>>>} kinds
 * @returns {any}
 */
function checkKind(message, selector, kinds) {
    const kind = /** @type {any} */ (message)?.[selector];
    if (typeof kind !== "string" || !Object.hasOwn(kinds, kind)) throw new Refused(selector, "a kind of message that is known");
    return { [selector]: kind, ...record(kinds[kind])(message, kind) };
}

/** @type {import("./check.js").Check<string>} */
function webOrigin(value, path) {
    if (typeof value !== "string" || !isWebOrigin(value)) throw new Refused(path, "an origin of the web");
    return value;
}
