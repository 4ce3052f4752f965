// @ts-check
import { button, element } from "../look/nodes.js";

/**
 * What the extension may do by itself on the site in front.
 *
 * @typedef {import("../shared/types.js").SiteSetting} SiteSetting
 * @typedef {import("../shared/translate.js").Translator} Translator
 *
 * @typedef {object} Site
 * @property {string} origin
 * @property {SiteSetting | null} setting
 * @property {boolean} isPermitted  the browser lets the extension into the site unasked
 *
 * @typedef {object} SiteActions
 * @property {() => unknown} allow
 * @property {(setting: SiteSetting) => unknown} set
 * @property {() => unknown} forget
 */

/** Keeps its controls for as long as they are the same: what is pressed, or has the focus, must not be made anew by what the press has changed. */
export class SiteView {
    #container;
    #actions;
    /** What is shown now, apart from what is checked. */
    #key = "";
    #badges = element("input", { type: "checkbox" });
    #automatic = element("input", { type: "checkbox" });

    /**
     * @param {HTMLElement} container
     * @param {SiteActions} actions
     */
    constructor(container, actions) {
        this.#container = container;
        this.#actions = actions;
        // Both are read anew: a setting that was shown before may lack what the other has changed a moment ago.
        for (const box of [this.#badges, this.#automatic]) box.addEventListener("change", () => actions.set(this.#chosen));
    }

    /**
     * @param {Site} site
     * @param {Translator} translator
     */
    show({ origin, setting, isPermitted }, translator) {
        const allowed = isPermitted ? setting : null;
        if (allowed) {
            this.#badges.checked = allowed.showsBadges;
            this.#automatic.checked = allowed.analysis === "automatic";
        }
        const key = `${translator.language} ${allowed !== null} ${origin}`;
        if (key === this.#key) return;
        this.#key = key;
        const hadFocus = this.#container.contains(document.activeElement);
        const host = origin.replace(/^https?:\/\//, "");
        this.#container.replaceChildren(...(allowed ? this.#allowedNodes(host, translator) : this.#otherNodes(host, translator)));
        if (hadFocus) this.#container.querySelector(/** @type {"input"} */ ("input, button"))?.focus();
    }

    /** @returns {SiteSetting} */
    get #chosen() {
        return { analysis: this.#automatic.checked ? "automatic" : "ask", showsBadges: this.#badges.checked };
    }

    /**
     * @param {string} host
     * @param {Translator} translator
     */
    #otherNodes(host, translator) {
        return [
            element("p", { class: "quiet-text" }, translator.text("popup_site_unallowed")),
            element("div", { class: "buttons" }, button(translator.text("action_allow_site", host), this.#actions.allow)),
        ];
    }

    /**
     * @param {string} host
     * @param {Translator} translator
     */
    #allowedNodes(host, translator) {
        return [
            element("p", {}, element("strong", { dir: "ltr" }, host)),
            check(translator.text("popup_site_badges"), this.#badges),
            check(translator.text("popup_site_automatic"), this.#automatic),
            element("p", { class: "quiet-text" }, translator.text("popup_site_automatic_note")),
            element("div", { class: "buttons" }, button(translator.text("action_forget_site"), this.#actions.forget, { class: "quiet" })),
        ];
    }
}

/**
 * @param {string} text
 * @param {HTMLInputElement} box
 */
function check(text, box) {
    return element("label", { class: "check" }, box, element("span", {}, text));
}
