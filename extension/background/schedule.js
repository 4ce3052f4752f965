// @ts-check
import { hasEnded, isAtGateway } from "./analysis-facts.js";

/**
 * Who starts next, and when to try again. Pure.
 *
 * @typedef {import("../shared/types.js").Analysis} Analysis
 * @typedef {{now: number, elapsed: number}} Moment  by the computer's clock, which may be set, and by one that nobody sets
 */

const FIRST_RETRY_MILLISECONDS = 1000;
const LONGEST_RETRY_MILLISECONDS = 300_000;
const FIRST_POLL_MILLISECONDS = 2000;
const LONGEST_POLL_MILLISECONDS = 60_000;

/**
 * Whether something may be tried by now. A clock that was set back to before the last change cannot hold it up.
 * @param {Analysis} analysis
 * @param {number} now
 */
export function isDue({ nextAt, changedAt }, now) {
    return nextAt === undefined || now >= nextAt || now < changedAt;
}

/**
 * The waiting analyses that may start now: visible videos first, those that a person asked for before automatic ones, then the oldest.
 * @param {Iterable<Analysis>} analyses
 * @param {number} parallelAnalyses  so many are read or uploaded at a time
 * @param {number} now
 * @returns {string[]}
 */
export function nextToStart(analyses, parallelAnalyses, now) {
    const all = [...analyses];
    const busy = all.filter(({ state }) => state === "reading" || state === "uploading").length;
    const waiting = all.filter((analysis) => analysis.state === "waiting" && isDue(analysis, now));
    return waiting.sort(compareTurns).slice(0, Math.max(0, parallelAnalyses - busy)).map(({ id }) => id);
}

/**
 * @param {Analysis} one
 * @param {Analysis} other
 */
function compareTurns(one, other) {
    const bySight = Number(other.isVisible) - Number(one.isVisible);
    const byAsking = Number(one.isAutomatic) - Number(other.isAutomatic);
    return bySight || byAsking || one.createdAt - other.createdAt;
}

/**
 * How long to wait after a failure of network or gateway: 1 s, doubled with each in a row up to 5 min, half of it by chance, so that many
 * clients do not come back at once. What the gateway says is the least.
 * @param {number} failures  before this one
 * @param {number} random  0…1
 * @param {number} [retryAfterMilliseconds]
 */
export function retryDelayMilliseconds(failures, random, retryAfterMilliseconds = 0) {
    const backoff = Math.min(LONGEST_RETRY_MILLISECONDS, FIRST_RETRY_MILLISECONDS * 2 ** Math.min(failures, 20)) * (0.5 + random / 2);
    return Math.max(backoff, retryAfterMilliseconds + random * FIRST_RETRY_MILLISECONDS);
}

/**
 * When to ask for a job again that nothing new was heard of.
 * @param {object} situation
 * @param {boolean} situation.isWatched  somebody looks
 * @param {number} situation.unchanged  answers in a row without anything new
 * @param {number} [situation.retryAfterMilliseconds]
 */
export function pollDelayMilliseconds({ isWatched, unchanged, retryAfterMilliseconds = 0 }) {
    if (isWatched) return retryAfterMilliseconds;
    const backoff = Math.min(LONGEST_POLL_MILLISECONDS, FIRST_POLL_MILLISECONDS * 2 ** Math.min(unchanged, 10));
    return Math.max(backoff, retryAfterMilliseconds);
}

/**
 * Whether anything is still to be done.
 * @param {Iterable<Analysis>} analyses
 */
export function isAnyPending(analyses) {
    return [...analyses].some((analysis) => !hasEnded(analysis));
}

/**
 * Jobs at the gateway that are to be asked for, those first that somebody looks at.
 * @param {Iterable<Analysis>} analyses
 * @param {(analysis: Analysis) => boolean} isWatched
 * @returns {Analysis[]}
 */
export function pollOrder(analyses, isWatched) {
    const waiting = [...analyses].filter(isAtGateway);
    return waiting.sort((one, other) => Number(isWatched(other)) - Number(isWatched(one)) || one.createdAt - other.createdAt);
}
