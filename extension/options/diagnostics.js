// @ts-check
import { found } from "../look/nodes.js";
import { ask, ProblemError } from "../shared/messages.js";

/** @typedef {import("../shared/translate.js").Translator} Translator */

/** A text about how the extension does, for whoever is asked for help. */
export class Diagnostics {
    #text = found("diagnostics", HTMLTextAreaElement);
    #told;
    /** @type {Translator} */
    #translator = /** @type {any} */ (null);

    /** @param {(news: string) => void} told */
    constructor(told) {
        this.#told = told;
        found("diagnostics-copy", HTMLButtonElement).addEventListener("click", () => this.#copy());
        found("diagnostics-refresh", HTMLButtonElement).addEventListener("click", () => this.#load());
    }

    /** @param {Translator} translator */
    async show(translator) {
        this.#translator = translator;
        await this.#load();
    }

    async #load() {
        this.#text.value = await diagnosticsText();
    }

    async #copy() {
        await navigator.clipboard.writeText(this.#text.value);
        this.#told(this.#translator.text("options_copied"));
    }
}

/** @returns {Promise<string>} */
async function diagnosticsText() {
    try {
        return (await ask({ type: "diagnostics" })).text;
    } catch (error) {
        // That there is none is a diagnosis too.
        if (error instanceof ProblemError) return `${error.problem.code} ${error.problem.detail}`.trim();
        throw error;
    }
}
