// @ts-check
import { element, found } from "../look/nodes.js";
import { changeSettings, normalizedUrl, SETTING_RANGES } from "../shared/settings.js";
import { LANGUAGES } from "../shared/translate.js";
import { showFieldProblem } from "./field-problem.js";

/**
 * The settings that are saved as soon as they are changed.
 *
 * @typedef {import("../shared/types.js").Settings} Settings
 * @typedef {import("../shared/translate.js").Translator} Translator
 * @typedef {keyof typeof SETTING_RANGES} NumberName
 */

/** @type {readonly (readonly [id: string, name: NumberName])[]} */
const NUMBERS = [["frame-count", "frameCount"], ["parallel-analyses", "parallelAnalyses"], ["retention-days", "retentionDays"]];

export class PlainFields {
    #dashboard = found("dashboard-url", HTMLInputElement);
    #allowsUrls = found("allows-urls", HTMLInputElement);
    #language = found("language", HTMLSelectElement);
    #told;
    /** @type {Translator} */
    #translator = /** @type {any} */ (null);

    /** @param {(news: string) => void} told  says that something was saved */
    constructor(told) {
        this.#told = told;
        for (const [id, name] of NUMBERS) {
            const field = found(id, HTMLInputElement);
            const [least, most] = SETTING_RANGES[name];
            field.min = String(least);
            field.max = String(most);
            field.addEventListener("change", () => this.#saveNumber(field, name));
        }
        this.#dashboard.addEventListener("change", () => this.#saveDashboard());
        this.#allowsUrls.addEventListener("change", () => this.#save({ allowsUrls: this.#allowsUrls.checked }));
        this.#language.addEventListener("change", () => this.#save({ language: this.#language.value }));
    }

    /**
     * @param {Settings} settings
     * @param {Translator} translator
     */
    show(settings, translator) {
        this.#translator = translator;
        for (const [id, name] of NUMBERS) setUnlessEdited(found(id, HTMLInputElement), String(settings[name]));
        setUnlessEdited(this.#dashboard, settings.dashboardUrl);
        this.#allowsUrls.checked = settings.allowsUrls;
        const choices = [{ folder: "", name: translator.text("options_language_browser") }, ...LANGUAGES];
        this.#language.replaceChildren(...choices.map(({ folder, name }) =>
            element("option", { value: folder, selected: folder === settings.language, lang: folder || null }, name)));
    }

    /**
     * @param {HTMLInputElement} field
     * @param {NumberName} name
     */
    async #saveNumber(field, name) {
        const [least, most] = SETTING_RANGES[name];
        const value = Number(field.value);
        const isGood = field.value !== "" && Number.isInteger(value) && value >= least && value <= most;
        showFieldProblem(field, isGood ? "" : this.#translator.text("options_number_wrong", { count: least }, { count: most }));
        if (isGood) await this.#save({ [name]: value });
    }

    async #saveDashboard() {
        const dashboardUrl = normalizedUrl(this.#dashboard.value);
        showFieldProblem(this.#dashboard, dashboardUrl === null ? this.#translator.text("options_url_wrong") : "");
        if (dashboardUrl !== null) await this.#save({ dashboardUrl });
    }

    /** @param {Partial<Settings>} change */
    async #save(change) {
        await changeSettings(change);
        this.#told(this.#translator.text("options_saved"));
    }
}

/**
 * A change made elsewhere must not take away what is being typed.
 * @param {HTMLInputElement} field
 * @param {string} value
 */
function setUnlessEdited(field, value) {
    if (document.activeElement !== field || !field.hasAttribute("aria-invalid")) field.value = value;
}
