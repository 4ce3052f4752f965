// @ts-check
import { workOf } from "./analysis-facts.js";
import { isDue, pollDelayMilliseconds, pollOrder } from "./schedule.js";

/**
 * When which job at the gateway is asked for. Nothing of it is stored: a service worker that starts anew asks at once.
 *
 * @typedef {import("../shared/types.js").Analysis} Analysis
 * @typedef {{analysis: Analysis, isLong: boolean, isWatched: boolean}} Poll  `isLong`: the gateway answers when something changes
 */

export const LONG_POLL_SECONDS = 20;
/** After a long poll: the gateway has told of the last change, and may have many more. */
const LONG_POLL_SPACING_MILLISECONDS = 100;
/** Browsers open six connections to a host, and uploads and pictures need some of them. */
const MAXIMUM_LONG_POLLS = 2;
const MAXIMUM_POLLS = 4;

export class Polls {
    #elapsed;
    /** @type {Map<string, {dueAt: number, unchanged: number}>} by analysis */
    #paces = new Map();

    /** @param {() => number} elapsed  milliseconds, by a clock that nobody sets */
    constructor(elapsed) {
        this.#elapsed = elapsed;
    }

    /** Has everything asked for now. */
    hurry() {
        this.#paces.clear();
    }

    /**
     * When a job is to be asked for, by the clock that nobody sets.
     * @param {string} id
     */
    dueAt(id) {
        return this.#paces.get(id)?.dueAt ?? 0;
    }

    /**
     * The jobs to ask for now, as many as may be asked for at a time.
     * @param {Analysis[]} idle  those that nothing is done about just now
     * @param {{isLong: boolean}[]} running  the polls under way
     * @param {(analysis: Analysis) => boolean} isWatched
     * @param {import("./schedule.js").Moment} moment
     * @returns {Poll[]}
     */
    choose(idle, running, isWatched, { now, elapsed }) {
        const due = idle.filter((analysis) => workOf(analysis) === "poll" && this.dueAt(analysis.id) <= elapsed && isDue(analysis, now));
        let longRoom = MAXIMUM_LONG_POLLS - running.filter(({ isLong }) => isLong).length;
        return pollOrder(due, isWatched).slice(0, Math.max(0, MAXIMUM_POLLS - running.length)).map((analysis) => {
            // The first answer is there at once: it tells the tag by which the next one waits.
            const isLong = isWatched(analysis) && analysis.entityTag !== undefined && longRoom > 0;
            if (isLong) longRoom -= 1;
            return { analysis, isLong, isWatched: isWatched(analysis) };
        });
    }

    /**
     * Takes note of an answer.
     * @param {Poll} poll
     * @param {{isUnchanged: boolean, retryAfterMilliseconds?: number}} outcome
     */
    answered({ analysis: { id, entityTag }, isLong, isWatched }, { isUnchanged, retryAfterMilliseconds }) {
        const unchanged = isUnchanged ? (this.#paces.get(id)?.unchanged ?? 0) + 1 : 0;
        // The first answer that somebody waits for is followed by a long poll: what the gateway says of asking again is meant for short ones.
        const isFirst = isWatched && entityTag === undefined;
        const pace = isLong ? LONG_POLL_SPACING_MILLISECONDS : pollDelayMilliseconds({ isWatched, unchanged, retryAfterMilliseconds });
        const delay = isFirst ? 0 : pace;
        this.#paces.set(id, { dueAt: this.#elapsed() + delay, unchanged });
    }

    /** @param {string} id */
    forget(id) {
        this.#paces.delete(id);
    }
}
