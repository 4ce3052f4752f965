// @ts-check
import { hasEnded } from "./analysis-facts.js";

/**
 * All analyses: in chrome.storage.local, each under a key of its own, and a copy in memory that is as new, since nobody else writes them.
 *
 * @typedef {import("../shared/types.js").Analysis} Analysis
 * @typedef {Pick<typeof import("../shared/browser.js"), "readStorage"|"writeStorage"|"removeFromStorage">} StoreBrowser
 * @typedef {import("./diagnostics.js").Diagnostics} Diagnostics
 */

export const KEY_PREFIX = "analysis:";
/** So many ended ones are kept, whatever their age. */
export const MAXIMUM_ENDED = 400;
const DAY_MILLISECONDS = 86_400_000;
const SEEN_KEY = "seenAt";
/** A clock that goes on by more than this between two looks was set, or nobody was there; neither is a reason to forget at once. */
const LONGEST_STEP_MILLISECONDS = 2 * DAY_MILLISECONDS;
/** Of the ended ones, where storage is full. */
const SHARE_TO_DROP = 0.2;

export class AnalysisStore {
    #browser;
    #diagnostics;
    /** @type {Map<string, Analysis>} */
    #analyses;

    /**
     * @param {StoreBrowser} browser
     * @param {Diagnostics} diagnostics
     * @param {Map<string, Analysis>} analyses
     */
    constructor(browser, diagnostics, analyses) {
        this.#browser = browser;
        this.#diagnostics = diagnostics;
        this.#analyses = analyses;
    }

    /**
     * @param {StoreBrowser} browser
     * @param {Diagnostics} diagnostics
     */
    static async open(browser, diagnostics) {
        const stored = await browser.readStorage("local", null);
        const analyses = Object.entries(stored).filter(([key, value]) => key.startsWith(KEY_PREFIX) && typeof value?.state === "string");
        return new AnalysisStore(browser, diagnostics, new Map(analyses.map(([, analysis]) => [analysis.id, analysis])));
    }

    /**
     * @param {string} id
     * @returns {Analysis | null}
     */
    get(id) {
        return this.#analyses.get(id) ?? null;
    }

    /** @returns {Iterable<Analysis>} */
    all() {
        return this.#analyses.values();
    }

    /** @returns {Analysis[]} */
    newestFirst() {
        return [...this.#analyses.values()].sort((one, other) => other.createdAt - one.createdAt);
    }

    /**
     * An earlier analysis of the same bytes, by the same gateway, that has a verdict.
     * @param {string} sha256
     * @param {string} gatewayUrl
     */
    judged(sha256, gatewayUrl) {
        const judged = this.newestFirst().filter(({ state }) => state === "succeeded");
        return judged.find((each) => each.sha256 === sha256 && each.gatewayUrl === gatewayUrl) ?? null;
    }

    /**
     * @param {Analysis} analysis
     * @throws where it cannot be stored: nothing has changed then
     */
    async save(analysis) {
        await this.#write({ [KEY_PREFIX + analysis.id]: analysis });
        this.#analyses.set(analysis.id, analysis);
    }

    /** @param {string[]} ids */
    async remove(ids) {
        if (ids.length === 0) return;
        await this.#browser.removeFromStorage("local", ids.map((id) => KEY_PREFIX + id));
        for (const id of ids) this.#analyses.delete(id);
    }

    /**
     * Forgets what ended so long ago, and what is too much.
     * @param {number} retentionDays
     * @param {number} now
     */
    async prune(retentionDays, now) {
        const { [SEEN_KEY]: seenAt } = await this.#browser.readStorage("local", SEEN_KEY);
        await this.#write({ [SEEN_KEY]: now });
        const isClockPlausible = typeof seenAt === "number" && Math.abs(now - seenAt) <= LONGEST_STEP_MILLISECONDS;
        const oldest = now - retentionDays * DAY_MILLISECONDS;
        const ended = this.#endedOldestFirst();
        const old = isClockPlausible ? ended.filter((analysis) => endOf(analysis) < oldest) : [];
        const surplus = ended.slice(0, Math.max(0, ended.length - MAXIMUM_ENDED));
        const ids = [...new Set([...old, ...surplus].map(({ id }) => id))];
        if (ids.length > 0) this.#diagnostics.note("analyses.forgotten", { count: ids.length });
        await this.remove(ids);
    }

    /** @param {Record<string, unknown>} items */
    async #write(items) {
        for (;;) {
            try {
                await this.#browser.writeStorage("local", items);
                return;
            } catch (error) {
                this.#diagnostics.noteError("storage.write_failed", error);
                if (!isQuotaError(error) || !(await this.#makeRoom())) throw error;
            }
        }
    }

    /** @returns {Promise<boolean>}  whether there was anything to forget */
    async #makeRoom() {
        const ended = this.#endedOldestFirst();
        const ids = ended.slice(0, Math.ceil(ended.length * SHARE_TO_DROP)).map(({ id }) => id);
        this.#diagnostics.note("storage.made_room", { count: ids.length });
        await this.remove(ids);
        return ids.length > 0;
    }

    #endedOldestFirst() {
        return [...this.#analyses.values()].filter(hasEnded).sort((one, other) => endOf(one) - endOf(other));
    }
}

/** @param {Analysis} analysis */
function endOf({ endedAt, changedAt }) {
    return endedAt ?? changedAt;
}

/** @param {unknown} error */
function isQuotaError(error) {
    return error instanceof Error && /quota/i.test(error.message);
}
