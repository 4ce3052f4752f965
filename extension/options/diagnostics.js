// @ts-check
import { found } from "../look/nodes.js";
import { ask } from "../shared/messages.js";

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
        const { text } = await ask({ type: "diagnostics" });
        this.#text.value = text;
    }

    async #copy() {
        await navigator.clipboard.writeText(this.#text.value);
        this.#told(this.#translator.text("options_copied"));
    }
}
