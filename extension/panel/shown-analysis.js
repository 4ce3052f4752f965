// @ts-check
import { onStorageChanged, onTabShown, readStorage, tabOfThisWindow, writeStorage } from "../shared/browser.js";
import { ask, ProblemError } from "../shared/messages.js";

/**
 * Which analysis the panel shows: that of the tab in front of its window, as `panel:<tabId>` says.
 *
 * @typedef {import("../shared/types.js").Analysis} Analysis
 * @typedef {import("../shared/types.js").VideoPlace} VideoPlace
 *
 * @typedef {{kind: "nothing"} | {kind: "place", place: VideoPlace} | {kind: "analysis", analysis: Analysis} | {kind: "erased"}} Shown
 */

export class ShownAnalysis {
    #show;
    #panelKey = "";
    /** @type {unknown} */
    #entry;
    /** Counts what was asked for, so that a late answer to an earlier question is left aside. */
    #turn = 0;

    /** @param {(shown: Shown) => void} show */
    constructor(show) {
        this.#show = show;
        onTabShown(() => this.follow());
        onStorageChanged((changes, area) => this.#changed(changes, area));
    }

    /** Looks which tab is in front, and shows what belongs to it. */
    async follow() {
        const tab = await tabOfThisWindow();
        this.#panelKey = `panel:${tab?.id ?? "none"}`;
        const stored = await readStorage("session", this.#panelKey);
        await this.#take(stored[this.#panelKey]);
    }

    /**
     * Shows another analysis from now on; the change of what is stored brings it here.
     * @param {string} analysisId
     */
    async choose(analysisId) {
        await writeStorage("session", { [this.#panelKey]: analysisId });
    }

    /**
     * @param {import("../shared/browser.js").StorageChanges} changes
     * @param {string} area
     */
    #changed(changes, area) {
        if (area === "session" && changes[this.#panelKey]) this.#take(changes[this.#panelKey].newValue);
        const change = area === "local" && typeof this.#entry === "string" ? changes[`analysis:${this.#entry}`] : undefined;
        if (!change) return;
        this.#turn += 1;
        this.#show(change.newValue ? { kind: "analysis", analysis: change.newValue } : { kind: "erased" });
    }

    /** @param {unknown} entry */
    async #take(entry) {
        this.#entry = entry;
        const turn = (this.#turn += 1);
        const shown = await this.#read(entry);
        if (turn === this.#turn) this.#show(shown);
    }

    /**
     * @param {unknown} entry
     * @returns {Promise<Shown>}
     */
    async #read(entry) {
        const place = /** @type {{place?: VideoPlace} | null | undefined} */ (entry)?.place;
        if (place) return { kind: "place", place };
        if (typeof entry !== "string") return { kind: "nothing" };
        try {
            const { analysis } = await ask({ type: "analysis.get", analysisId: entry });
            return analysis ? { kind: "analysis", analysis } : { kind: "erased" };
        } catch (error) {
            if (error instanceof ProblemError) return { kind: "erased" };
            throw error;
        }
    }
}
