// @ts-check
/**
 * How an analysis ends, and how it gets over what went wrong. Pure.
 *
 * @typedef {import("../shared/types.js").Analysis} Analysis
 * @typedef {import("../shared/types.js").AnalysisProblem} AnalysisProblem
 */

/**
 * Without anything that went wrong before.
 * @param {Analysis} analysis
 * @returns {Analysis}
 */
export function calm(analysis) {
    return { ...analysis, failures: 0, problem: undefined, nextAt: undefined };
}

/**
 * @param {Analysis} analysis
 * @param {AnalysisProblem} problem
 * @returns {Analysis}
 */
export function noted(analysis, problem) {
    return { ...analysis, methodNotes: [...(analysis.methodNotes ?? []), problem.code] };
}

/**
 * @param {Analysis} analysis
 * @param {AnalysisProblem} problem
 * @returns {Analysis}
 */
export function fail(analysis, problem) {
    return { ...calm(analysis), state: "failed", stage: undefined, isStopping: undefined, problem };
}

/**
 * @param {Analysis} analysis
 * @param {AnalysisProblem} problem
 * @returns {Analysis}
 */
export function unreadable(analysis, problem) {
    return { ...noted(calm(analysis), problem), state: "unreadable", problem };
}

/**
 * @param {Analysis} analysis
 * @returns {Analysis}
 */
export function cancelled(analysis) {
    return { ...calm(analysis), state: "cancelled", stage: undefined, upload: undefined, isStopping: undefined };
}
