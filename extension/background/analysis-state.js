// @ts-check
import { calm, cancelled, fail } from "./analysis-ends.js";
import { hasEnded, holdsClip, isAtGateway, isSamePlace } from "./analysis-facts.js";
import { reuse, takeJob } from "./job-outcome.js";
import { interruptReading, start, tryNextWay } from "./reading-ways.js";
import { Sha256 } from "./sha-256.js";

/**
 * An analysis' way, as pure functions: what has happened goes in, the next state and what must be tidied up come out. What is to be done is
 * told by the state alone (`workOf`), so that a service worker that died goes on from what is stored.
 *
 * @typedef {import("../shared/types.js").Analysis} Analysis
 * @typedef {import("../shared/types.js").AnalysisProblem} AnalysisProblem
 * @typedef {import("../shared/types.js").AnalysisState} AnalysisState
 * @typedef {import("../shared/types.js").ReadingMethod} ReadingMethod
 * @typedef {import("../shared/types.js").VideoPlace} VideoPlace
 * @typedef {import("../shared/gateway-client.js").Job} Job
 * @typedef {import("../shared/gateway-client.js").Disposition} Disposition
 *
 * @typedef {{lengthBytes: number, sha256: string, mediaType: string, frameTimesSeconds?: number[]}} Clip
 *
 * @typedef {{kind: "started", ways: ReadingMethod[], at: number}
 *   | {kind: "held", problem: AnalysisProblem}
 *   | {kind: "released"}
 *   | {kind: "progressed", progress: number}
 *   | {kind: "read", clip: Clip}
 *   | {kind: "known", earlier: Analysis}
 *   | {kind: "wayFailed", problem: AnalysisProblem, ways: ReadingMethod[]}
 *   | {kind: "interrupted"}
 *   | {kind: "clipLost"}
 *   | {kind: "sending", gatewayUrl: string}
 *   | {kind: "uploadStood", location: string, offset: number}
 *   | {kind: "uploadLost"}
 *   | {kind: "submitted", job: Job}
 *   | {kind: "jobSeen", job: Job, entityTag?: string}
 *   | {kind: "jobUnchanged"}
 *   | {kind: "jobMissing"}
 *   | {kind: "gatewayFailed", problem: AnalysisProblem, disposition: Disposition, retryAt?: number}
 *   | {kind: "gatewayChanged"}
 *   | {kind: "stopSettled", job?: Job}
 *   | {kind: "stopped"}
 *   | {kind: "placed", place: VideoPlace, isVisible: boolean}
 *   | {kind: "pageGone"}} AnalysisEvent
 *
 * @typedef {{kind: "forgetClip"} | {kind: "removeUpload", location: string}} Effect  what is left over, and may be tidied up more than once
 */

/** At the longest pause of five minutes, about a day. */
export const MAXIMUM_FAILURES = 300;

/**
 * @param {Analysis} analysis
 * @param {AnalysisEvent} event
 * @param {number} now
 * @returns {{analysis: Analysis, effects: Effect[]}}  the same analysis where the event comes too late to matter
 */
export function advance(analysis, event, now) {
    const next = follow(analysis, event);
    if (next === analysis) return { analysis, effects: [] };
    const hasJustEnded = hasEnded(next) && !hasEnded(analysis);
    const stamped = { ...withoutUndefined(next), changedAt: now, ...(hasJustEnded ? { endedAt: now } : {}) };
    return { analysis: stamped, effects: leftovers(analysis, stamped) };
}

/**
 * @param {Analysis} analysis
 * @param {AnalysisEvent} event
 * @returns {Analysis}
 */
function follow(analysis, event) {
    const { state } = analysis;
    switch (event.kind) {
        case "placed": return put(analysis, event.place, event.isVisible);
        case "pageGone": return analysis.place ? { ...analysis, place: undefined, isVisible: false } : analysis;
        case "released": return release(analysis);
        case "held": return hold(analysis, event.problem);
        case "started": return state === "waiting" ? start(analysis, event.ways, event.at) : analysis;
        case "stopped": return stop(analysis);
        case "gatewayChanged": return changeGateway(analysis);
    }
    if (state === "reading") return followReading(analysis, event);
    if (state === "uploading") return followUpload(analysis, event);
    return isAtGateway(analysis) ? followJob(analysis, event) : analysis;
}

/**
 * @param {Analysis} analysis
 * @param {AnalysisEvent} event
 * @returns {Analysis}
 */
function followReading(analysis, event) {
    switch (event.kind) {
        case "progressed": return { ...analysis, progress: event.progress };
        case "read": return { ...calm(analysis), ...event.clip, state: "uploading", progress: 0, readings: 0, upload: undefined };
        case "known": return reuse(analysis, event.earlier);
        case "wayFailed": return tryNextWay(analysis, event.problem, event.ways);
        case "interrupted": return interruptReading(analysis);
        default: return analysis;
    }
}

/**
 * @param {Analysis} analysis
 * @param {AnalysisEvent} event
 * @returns {Analysis}
 */
function followUpload(analysis, event) {
    switch (event.kind) {
        case "progressed": return { ...analysis, progress: event.progress };
        case "sending": return { ...analysis, gatewayUrl: event.gatewayUrl, idempotencyKey: idempotencyKey(analysis) };
        case "uploadStood": return noteUpload(analysis, event.location, event.offset);
        case "uploadLost": return { ...analysis, upload: undefined, progress: 0 };
        case "clipLost": return interruptReading({ ...analysis, sha256: undefined, upload: undefined });
        case "wayFailed": return tryNextWay(analysis, event.problem, event.ways);
        case "interrupted": return { ...analysis, state: "waiting" };
        case "submitted": return takeJob({ ...analysis, jobId: event.job.id, upload: undefined, entityTag: undefined }, event.job);
        case "gatewayFailed": return takeGatewayFailure(analysis, event, "waiting");
        default: return analysis;
    }
}

/**
 * @param {Analysis} analysis
 * @param {AnalysisEvent} event
 * @returns {Analysis}
 */
function followJob(analysis, event) {
    switch (event.kind) {
        case "jobSeen": return takeJob({ ...analysis, entityTag: event.entityTag }, event.job);
        case "jobUnchanged": return analysis.failures > 0 || analysis.problem ? calm(analysis) : analysis;
        case "jobMissing": return analysis.isStopping ? cancelled(analysis) : fail(analysis, { code: "erased", detail: "" });
        case "stopSettled": return settleStop(analysis, event.job);
        case "gatewayFailed": return takeGatewayFailure(analysis, event, analysis.state);
        default: return analysis;
    }
}

/**
 * @param {Analysis} analysis
 * @param {VideoPlace} place
 * @param {boolean} isVisible
 * @returns {Analysis}
 */
function put(analysis, place, isVisible) {
    if (!analysis.place) return { ...release(analysis), place, isVisible };
    // Whether it is in sight decides about its turn alone.
    const isNews = analysis.state === "waiting" && isSamePlace(analysis.place, place) && analysis.isVisible !== isVisible;
    return isNews ? { ...analysis, isVisible } : analysis;
}

/**
 * The same clip and the same wishes have the same key, however often they are read and sent.
 * @param {Analysis} analysis
 */
function idempotencyKey({ id, method, sha256, frameTimesSeconds }) {
    const hash = new Sha256();
    hash.update(new TextEncoder().encode(JSON.stringify([method, sha256, frameTimesSeconds])));
    return `${id}-${hash.digest().slice(0, 32)}`;
}

/**
 * @param {Analysis} analysis
 * @param {string} location
 * @param {number} offset
 * @returns {Analysis}
 */
function noteUpload(analysis, location, offset) {
    const length = analysis.lengthBytes ?? 0;
    // An upload that was just begun is no success yet: one that is lost again and again must come to an end.
    const better = offset > 0 ? calm(analysis) : analysis;
    return { ...better, upload: { location, offset, length }, progress: length > 0 ? offset / length : 0 };
}

/**
 * @param {Analysis} analysis
 * @param {AnalysisProblem} problem
 * @returns {Analysis}
 */
function hold(analysis, problem) {
    const isNews = analysis.state === "waiting" && analysis.problem?.code !== problem.code;
    return isNews ? { ...analysis, problem } : analysis;
}

/**
 * @param {Analysis} analysis
 * @param {{problem: AnalysisProblem, disposition: Disposition, retryAt?: number}} failure
 * @param {AnalysisState} state  to wait in
 * @returns {Analysis}
 */
function takeGatewayFailure(analysis, { problem, disposition, retryAt }, state) {
    const failures = analysis.failures + 1;
    if (disposition === "refuse" || failures > MAXIMUM_FAILURES) return fail(analysis, problem);
    return { ...analysis, state, failures, problem, nextAt: retryAt };
}

/**
 * @param {Analysis} analysis
 * @returns {Analysis}
 */
function release(analysis) {
    const isHeld = !hasEnded(analysis) && (analysis.nextAt !== undefined || analysis.problem !== undefined);
    return isHeld ? { ...analysis, nextAt: undefined, problem: undefined } : analysis;
}

/**
 * @param {Analysis} analysis
 * @returns {Analysis}
 */
function stop(analysis) {
    if (hasEnded(analysis)) return analysis;
    if (isAtGateway(analysis)) return { ...analysis, isStopping: true, nextAt: undefined };
    return cancelled(analysis);
}

/**
 * The gateway knows of the wish; without a job in its answer, the job had ended before.
 * @param {Analysis} analysis
 * @param {Job} [job]
 * @returns {Analysis}
 */
function settleStop(analysis, job) {
    const settled = { ...calm(analysis), isStopping: undefined };
    return job ? takeJob(settled, job) : settled;
}

/**
 * What went to another gateway begins anew at this one, as long as its bytes are here.
 * @param {Analysis} analysis
 * @returns {Analysis}
 */
function changeGateway(analysis) {
    if (hasEnded(analysis) || analysis.gatewayUrl === undefined) return analysis;
    if (isAtGateway(analysis)) return fail(analysis, { code: "gateway_changed", detail: "" });
    return { ...calm(analysis), state: "waiting", gatewayUrl: undefined, upload: undefined, progress: 0 };
}

/**
 * @param {Analysis} before
 * @param {Analysis} after
 * @returns {Effect[]}
 */
function leftovers(before, after) {
    /** @type {Effect[]} */
    const effects = [];
    if (holdsClip(before) && !holdsClip(after)) effects.push({ kind: "forgetClip" });
    if (before.upload && after.state === "cancelled") effects.push({ kind: "removeUpload", location: before.upload.location });
    return effects;
}

/**
 * @param {Analysis} analysis
 * @returns {Analysis}
 */
function withoutUndefined(analysis) {
    return /** @type {any} */ (Object.fromEntries(Object.entries(analysis).filter(([, value]) => value !== undefined)));
}
