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

/**
 * @param {HTMLElement} container
 * @param {Site} site
 * @param {Translator} translator
 * @param {SiteActions} actions
 */
export function showSite(container, { origin, setting, isPermitted }, translator, { allow, set, forget }) {
    const host = element("strong", { dir: "ltr" }, origin.replace(/^https?:\/\//, ""));
    if (!setting || !isPermitted) {
        container.replaceChildren(
            element("p", { class: "quiet-text" }, translator.text("popup_site_unallowed")),
            element("div", { class: "buttons" }, button(translator.text("action_allow_site", host.textContent ?? ""), allow)));
        return;
    }
    container.replaceChildren(
        element("p", {}, host),
        check(translator.text("popup_site_badges"), setting.showsBadges, (showsBadges) => set({ ...setting, showsBadges })),
        check(translator.text("popup_site_automatic"), setting.analysis === "automatic", (isOn) => {
            set({ ...setting, analysis: isOn ? "automatic" : "ask" });
        }),
        element("p", { class: "quiet-text" }, translator.text("popup_site_automatic_note")),
        element("div", { class: "buttons" }, button(translator.text("action_forget_site"), forget, { class: "quiet" })));
}

/**
 * @param {string} text
 * @param {boolean} isOn
 * @param {(isOn: boolean) => unknown} change
 */
function check(text, isOn, change) {
    const box = element("input", { type: "checkbox", checked: isOn });
    box.addEventListener("change", () => change(box.checked));
    return element("label", { class: "check" }, box, element("span", {}, text));
}
