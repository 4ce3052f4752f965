// @ts-check
import { calm, cancelled, fail, noted } from "./analysis-ends.js";
import { keptVerdict } from "./verdict-size.js";

/**
 * What a job's state makes of an analysis. Pure.
 *
 * @typedef {import("../shared/types.js").Analysis} Analysis
 * @typedef {import("../shared/types.js").AnalysisProblem} AnalysisProblem
 * @typedef {import("../shared/gateway-client.js").Job} Job
 */

/** A gateway that could not fetch a video says nothing of whether the page has it. */
const FETCH_PROBLEMS = ["fetch_failed", "fetch_empty", "fetch_too_large", "url_refused"];

/**
 * @param {Analysis} analysis
 * @param {Job} job
 * @returns {Analysis}
 */
export function takeJob(analysis, job) {
    const quiet = calm(analysis);
    const isOther = job.uploadSha256 !== undefined && analysis.sha256 !== undefined && job.uploadSha256 !== analysis.sha256;
    if (isOther) return fail(quiet, { code: "digest_mismatch", detail: "the gateway has other bytes than were sent" });
    switch (job.state) {
        case "succeeded": return succeed({ ...quiet, sha256: analysis.sha256 ?? job.uploadSha256 }, /** @type {any} */ (job.verdict));
        case "cancelled": return cancelled(quiet);
        case "failed":
        case "dead": return takeFailure(quiet, { code: job.error?.code ?? "job_dead", detail: job.error?.message ?? "" });
        default: return { ...quiet, state: job.state, stage: job.stage, progress: job.progress };
    }
}

/**
 * @param {Analysis} analysis
 * @param {AnalysisProblem} problem
 * @returns {Analysis}
 */
function takeFailure(analysis, problem) {
    const canReadItself = analysis.method === "url" && FETCH_PROBLEMS.includes(problem.code) && !analysis.isStopping;
    if (!canReadItself) return fail(analysis, problem);
    const { jobId: _, entityTag: __, stage: ___, ...rest } = analysis;
    return { ...noted(rest, problem), state: "waiting", method: "frames", progress: 0, problem };
}

/**
 * @param {Analysis} analysis
 * @param {{reused?: unknown}} verdict
 * @returns {Analysis}
 */
function succeed(analysis, verdict) {
    const ended = { ...analysis, progress: 1, stage: undefined, isStopping: undefined };
    return { ...ended, state: "succeeded", verdict: keptVerdict(verdict), isReused: verdict.reused === true };
}

/**
 * @param {Analysis} analysis
 * @param {Analysis} earlier  of the same bytes
 * @returns {Analysis}
 */
export function reuse(analysis, earlier) {
    const { jobId, gatewayUrl, sha256, mediaType, lengthBytes, frameTimesSeconds, verdict } = earlier;
    const known = { jobId, gatewayUrl, sha256, mediaType, lengthBytes, frameTimesSeconds, verdict };
    return { ...calm(analysis), ...known, state: "succeeded", progress: 1, isReused: true };
}
