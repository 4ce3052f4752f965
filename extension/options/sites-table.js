// @ts-check
import { button, element, found } from "../look/nodes.js";
import { problemCallout } from "../look/problem-callout.js";
import { hasHosts, requestHosts } from "../shared/browser.js";
import { giveBackHost } from "../shared/give-back-host.js";
import { hostPattern, parseHttpUrl } from "../shared/host-pattern.js";
import { ask, ProblemError } from "../shared/messages.js";
import { loadSettings } from "../shared/settings.js";
import { showFieldProblem } from "./field-problem.js";

/**
 * The sites that were allowed, and what the extension may do there by itself.
 *
 * @typedef {import("../shared/types.js").Settings} Settings
 * @typedef {import("../shared/types.js").SiteSetting} SiteSetting
 * @typedef {import("../shared/translate.js").Translator} Translator
 */

export class SitesTable {
    #place = found("sites", HTMLElement);
    #origin = found("site-origin", HTMLInputElement);
    #problem = found("sites-problem", HTMLElement);
    /** @type {Translator} */
    #translator = /** @type {any} */ (null);
    #turn = 0;

    constructor() {
        found("site-form", HTMLFormElement).addEventListener("submit", (event) => {
            event.preventDefault();
            this.#add();
        });
    }

    /**
     * @param {Settings} settings
     * @param {Translator} translator
     */
    async show(settings, translator) {
        this.#translator = translator;
        const turn = (this.#turn += 1);
        const sites = await Promise.all(Object.entries(settings.sites).map(async ([origin, setting]) => ({
            origin, setting, isPermitted: await hasHosts([hostPattern(origin) ?? ""]),
        })));
        if (turn !== this.#turn) return;
        const focused = this.#place.contains(document.activeElement) ? document.activeElement?.id : "";
        this.#place.replaceChildren(sites.length > 0 ? this.#table(sites) : element("p", {}, translator.text("options_sites_none")));
        if (focused) document.getElementById(focused)?.focus();
    }

    /** @param {{origin: string, setting: SiteSetting, isPermitted: boolean}[]} sites */
    #table(sites) {
        const head = ["options_column_site", "options_column_analysis", "options_column_badges", "options_column_remove"];
        return element("table", { role: "table", "aria-labelledby": "sites-title" },
            element("thead", { role: "rowgroup" }, element("tr", { role: "row" },
                ...head.map((key) => element("th", { scope: "col", role: "columnheader" }, this.#translator.text(key))))),
            element("tbody", { role: "rowgroup" }, ...sites.map((site, index) => this.#row(site, index))));
    }

    /**
     * @param {{origin: string, setting: SiteSetting, isPermitted: boolean}} site
     * @param {number} index
     */
    #row({ origin, setting, isPermitted }, index) {
        const text = (/** @type {string} */ key) => this.#translator.text(key);
        const named = (/** @type {string} */ key) => ({ "aria-label": this.#translator.text(key, origin) });
        const analysis = element("select", { id: `site-analysis-${index}`, ...named("options_analysis_label") },
            element("option", { value: "ask", selected: setting.analysis === "ask" }, text("options_analysis_ask")),
            element("option", { value: "automatic", selected: setting.analysis === "automatic" }, text("options_analysis_automatic")));
        analysis.addEventListener("change", () => {
            this.#set(origin, { ...setting, analysis: analysis.value === "automatic" ? "automatic" : "ask" });
        });
        const badges = element("input", {
            type: "checkbox", id: `site-badges-${index}`, checked: setting.showsBadges, ...named("options_badges_label"),
        });
        badges.addEventListener("change", () => this.#set(origin, { ...setting, showsBadges: badges.checked }));
        const remove = button(text("action_remove"), () => this.#set(origin, null), named("options_remove_label"));
        const permit = isPermitted ? null : element("div", { class: "missing" },
            element("span", { class: "quiet-text" }, text("options_site_unpermitted")),
            button(text("action_permit"), () => this.#permit(origin, setting), { id: `site-permit-${index}` }));
        // Roles are said again: a narrow page lays the rows out otherwise, which would take them away.
        return element("tr", { role: "row" },
            element("th", { scope: "row", role: "rowheader" }, element("span", { dir: "ltr" }, origin), permit),
            element("td", { role: "cell" }, cellName(text("options_column_analysis")), analysis),
            element("td", { role: "cell" }, cellName(text("options_column_badges")), badges),
            element("td", { role: "cell" }, remove));
    }

    async #add() {
        const origin = writtenOrigin(this.#origin.value.trim());
        showFieldProblem(this.#origin, origin ? "" : this.#translator.text("options_site_wrong"));
        if (!origin) {
            this.#origin.focus();
            return;
        }
        if (await this.#permit(origin, { analysis: "ask", showsBadges: true })) this.#origin.value = "";
        else showFieldProblem(this.#origin, this.#translator.text("options_site_refused"));
    }

    /**
     * @param {string} origin
     * @param {SiteSetting} setting
     */
    async #permit(origin, setting) {
        // The first thing in the click: the browser asks the person only then.
        const isPermitted = await requestHosts([hostPattern(origin) ?? ""]);
        if (isPermitted) await this.#set(origin, setting);
        return isPermitted;
    }

    /**
     * @param {string} origin
     * @param {SiteSetting | null} setting
     */
    async #set(origin, setting) {
        this.#problem.replaceChildren();
        try {
            await ask({ type: "site.set", origin, setting });
            if (!setting) await giveBackHost(origin, await loadSettings());
        } catch (error) {
            if (!(error instanceof ProblemError)) throw error;
            this.#problem.replaceChildren(problemCallout(error.problem, this.#translator));
        }
    }
}

/**
 * The column's name in a narrow page, where the head is out of sight.
 * @param {string} text
 */
function cellName(text) {
    return element("span", { class: "cell-name quiet-text", "aria-hidden": "true" }, text);
}

/**
 * @param {string} text  as a person writes it, often without a scheme
 * @returns {string | null}
 */
function writtenOrigin(text) {
    // Browsers take spaces into a host's name, escaped; no site has such a one.
    if (/[\s%]/.test(text)) return null;
    return parseHttpUrl(/^[a-z]+:\/\//i.test(text) ? text : `https://${text}`)?.origin ?? null;
}
