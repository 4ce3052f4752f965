// @ts-check
import { noted, unreadable } from "./analysis-ends.js";
import { METHODS } from "./analysis-facts.js";

/**
 * Which way to a video's picture comes next. Pure.
 *
 * @typedef {import("../shared/types.js").Analysis} Analysis
 * @typedef {import("../shared/types.js").AnalysisProblem} AnalysisProblem
 * @typedef {import("../shared/types.js").ReadingMethod} ReadingMethod
 */

export const MAXIMUM_READINGS = 5;
/** Where frames cannot be had, the captured tab cannot help either. */
const FINAL_PROBLEMS = ["protected", "black", "nothing_loaded", "page_gone"];
/** A file whose page is gone may be shown by another page, or by the same one after the browser's restart. */
const LONGEST_ABSENCE_MILLISECONDS = 86_400_000;
const ABSENCE_MILLISECONDS = 600_000;
const PAGE_GONE = Object.freeze({ code: "page_gone", detail: "" });

/**
 * @param {Analysis} analysis
 * @param {ReadingMethod[]} ways
 * @param {number} now
 * @returns {Analysis}
 */
export function start(analysis, ways, now) {
    if (analysis.sha256 !== undefined) return { ...analysis, state: "uploading", nextAt: undefined, problem: undefined };
    const way = firstWay(ways, analysis.method ? METHODS.indexOf(analysis.method) : 0);
    if (way) return take(analysis, way);
    return mayComeBack(analysis, now) ? awaitPage(analysis, now) : unreadable(analysis, analysis.problem ?? PAGE_GONE);
}

/**
 * @param {Analysis} analysis
 * @param {number} now
 */
function mayComeBack({ source, place, createdAt }, now) {
    return source.kind === "http" && !place && now - createdAt < LONGEST_ABSENCE_MILLISECONDS;
}

/**
 * @param {Analysis} analysis
 * @param {number} now
 * @returns {Analysis}
 */
function awaitPage(analysis, now) {
    return { ...analysis, method: undefined, problem: PAGE_GONE, nextAt: now + ABSENCE_MILLISECONDS };
}

/**
 * @param {Analysis} analysis
 * @param {ReadingMethod} way
 * @returns {Analysis}
 */
function take(analysis, way) {
    const readings = way === analysis.method ? analysis.readings : 0;
    const state = way === "url" ? "uploading" : "reading";
    return { ...analysis, state, method: way, readings, progress: 0, nextAt: undefined, problem: undefined };
}

/**
 * @param {Analysis} analysis
 * @param {AnalysisProblem} problem
 * @param {ReadingMethod[]} ways
 * @returns {Analysis}
 */
export function tryNextWay(analysis, problem, ways) {
    const method = analysis.method ?? "file";
    const isFinal = FINAL_PROBLEMS.includes(problem.code) && (method === "frames" || method === "capture");
    const way = isFinal ? undefined : firstWay(ways, METHODS.indexOf(method) + 1);
    return way ? take(noted(analysis, problem), way) : unreadable(analysis, problem);
}

/**
 * Reading that was broken off begins anew; what breaks it again and again is left for the next way.
 * @param {Analysis} analysis
 * @returns {Analysis}
 */
export function interruptReading(analysis) {
    const readings = analysis.readings + 1;
    const waiting = /** @type {Analysis} */ ({ ...analysis, state: "waiting", progress: 0, readings });
    if (readings < MAXIMUM_READINGS) return waiting;
    const problem = { code: "reading_failed", detail: `reading was broken off ${readings} times` };
    const following = METHODS[METHODS.indexOf(analysis.method ?? "file") + 1];
    return following ? { ...noted(waiting, problem), method: following, readings: 0, problem } : unreadable(analysis, problem);
}

/**
 * @param {readonly ReadingMethod[]} ways
 * @param {number} from  index into METHODS
 */
function firstWay(ways, from) {
    return METHODS.slice(from).find((method) => ways.includes(method));
}
