// @ts-check
import { confirmed } from "../look/confirm.js";
import { element, found } from "../look/nodes.js";
import { problemCallout } from "../look/problem-callout.js";
import { grantedHosts, removeHosts } from "../shared/browser.js";
import { ask, MAXIMUM_LISTED, ProblemError } from "../shared/messages.js";

/**
 * Deletes what there is: every analysis here and at the gateway, or all that the extension itself knows.
 *
 * @typedef {import("../shared/types.js").Analysis} Analysis
 * @typedef {import("../shared/types.js").AnalysisProblem} AnalysisProblem
 * @typedef {import("../shared/translate.js").Translator} Translator
 */

export class Clearing {
    #state = found("clear-state", HTMLElement);
    #buttons = [found("erase-all", HTMLButtonElement), found("forget-all", HTMLButtonElement)];
    /** @type {Translator} */
    #translator = /** @type {any} */ (null);

    constructor() {
        this.#buttons[0].addEventListener("click", () => this.#eraseAll());
        this.#buttons[1].addEventListener("click", () => this.#forgetAll());
    }

    /** @param {Translator} translator */
    show(translator) {
        this.#translator = translator;
    }

    async #eraseAll() {
        const keys = { title: "options_erase_all_title", sentence: "options_erase_all_sentence", confirm: "action_erase_all" };
        if (await confirmed(this.#translator, keys)) await this.#busy(() => this.#erase());
    }

    async #forgetAll() {
        const keys = { title: "options_forget_all_title", sentence: "options_forget_all_sentence", confirm: "action_forget_all" };
        if (await confirmed(this.#translator, keys)) await this.#busy(() => this.#forget());
    }

    async #erase() {
        const { analyses } = /** @type {{analyses: Analysis[]}} */ (await ask({ type: "analyses.list", limit: MAXIMUM_LISTED }));
        /** @type {AnalysisProblem[]} */
        const problems = [];
        // One after the other: the gateway holds every caller to a rate.
        for (const [index, { id }] of analyses.entries()) {
            this.#say(this.#translator.text("options_erasing", { count: index + 1 }, { count: analyses.length }));
            const problem = await problemOf(ask({ type: "analysis.erase", analysisId: id }));
            if (problem) problems.push(problem);
        }
        const erasedCount = analyses.length - problems.length;
        this.#say(this.#translator.counted({ one: "options_erased_one", other: "options_erased_other" }, erasedCount));
        if (problems.length > 0) {
            const left = this.#translator.counted({ one: "options_unerased_one", other: "options_unerased_other" }, problems.length);
            this.#state.append(problemCallout(problems[0], this.#translator, {}, left));
        }
    }

    async #forget() {
        await ask({ type: "everything.forget" });
        await removeHosts(await grantedHosts());
        this.#say(this.#translator.text("options_forgotten"));
    }

    /** @param {() => Promise<void>} work */
    async #busy(work) {
        for (const each of this.#buttons) each.disabled = true;
        try {
            await work();
        } catch (error) {
            if (!(error instanceof ProblemError)) throw error;
            this.#state.replaceChildren(problemCallout(error.problem, this.#translator));
        } finally {
            for (const each of this.#buttons) each.disabled = false;
        }
    }

    /** @param {string} text */
    #say(text) {
        this.#state.replaceChildren(element("p", {}, text));
    }
}

/**
 * @param {Promise<unknown>} asked
 * @returns {Promise<AnalysisProblem | null>}
 */
async function problemOf(asked) {
    try {
        await asked;
        return null;
    } catch (error) {
        if (error instanceof ProblemError) return error.problem;
        throw error;
    }
}
