// @ts-check
import { connectionTag } from "../look/connection-state.js";
import { icon } from "../look/icons.js";
import { button, element, found } from "../look/nodes.js";
import { problemCallout } from "../look/problem-callout.js";
import { hasHosts, openOptions, openPanel, requestHosts, writeStorage } from "../shared/browser.js";
import { giveBackHost } from "../shared/give-back-host.js";
import { hostPattern, parseHttpUrl } from "../shared/host-pattern.js";
import { ask, ProblemError } from "../shared/messages.js";
import { loadSettings } from "../shared/settings.js";
import { isUnderWay } from "../shared/state-words.js";
import { analysisRow } from "./rows.js";
import { showSite } from "./site-view.js";
import { showVideos } from "./videos-view.js";

/**
 * @typedef {import("../shared/browser.js").Tab} Tab
 * @typedef {import("../shared/types.js").Analysis} Analysis
 * @typedef {import("../shared/types.js").Settings} Settings
 * @typedef {import("../shared/types.js").SiteSetting} SiteSetting
 * @typedef {import("../shared/translate.js").Translator} Translator
 * @typedef {import("./rows.js").TabVideo} TabVideo
 */

const HISTORY_COUNT = 6;
/** Enough to find all that is under way and the last that ended. */
const LISTED_COUNT = 100;
/** Changes come in bursts while bytes are on their way; the page is shown anew at most so often. */
const REFRESH_MILLISECONDS = 400;

/** The popup: the tab's videos, the site, the queue, what was asked before, and whether the gateway answers. */
export class PopupView {
    #tabId;
    #origin;
    #videos = found("videos", HTMLElement);
    #problem = found("problem", HTMLElement);
    /** @type {Settings} */
    #settings = /** @type {any} */ (null);
    /** @type {Translator} */
    #translator = /** @type {any} */ (null);
    #isWaiting = false;
    #lastShown = "";
    /**
     * Of the tab's own videos, which are not listed twice.
     * @type {Set<string | undefined>}
     */
    #shownIds = new Set();

    /** @param {Tab | null} tab  in front */
    constructor(tab) {
        this.#tabId = tab?.id ?? -1;
        this.#origin = parseHttpUrl(tab?.url ?? "")?.origin ?? "";
    }

    /**
     * @param {Settings} settings
     * @param {Translator} translator
     */
    async use(settings, translator) {
        this.#settings = settings;
        this.#translator = translator;
        this.#lastShown = "";
        this.#showHint();
        await Promise.all([this.#showConnection(), this.#showSite(), this.#showLists()]);
    }

    /** Shows anew what has changed, soon. */
    refresh() {
        if (this.#isWaiting) return;
        this.#isWaiting = true;
        setTimeout(async () => {
            this.#isWaiting = false;
            await this.#showLists();
        }, REFRESH_MILLISECONDS);
    }

    #showHint() {
        const hint = found("hint", HTMLElement);
        hint.hidden = this.#settings.gatewayUrl !== "";
        if (hint.hidden) return;
        hint.replaceChildren(element("div", { class: "callout" },
            icon("shield"),
            element("p", {}, element("strong", {}, this.#translator.text("popup_hint_title"))),
            element("p", {}, this.#translator.text("popup_hint_sentence")),
            element("div", { class: "buttons" }, button(this.#translator.text("action_set_gateway"), openOptions, { class: "primary" }))));
    }

    async #showConnection() {
        const place = found("connection", HTMLElement);
        place.replaceChildren(element("span", { class: "connection" }, this.#translator.text("popup_connection_checking")));
        const connection = await this.#do({ type: "connection.check" });
        if (connection) place.replaceChildren(connectionTag(connection, this.#translator));
    }

    async #showSite() {
        const pattern = hostPattern(this.#origin);
        found("site-section", HTMLElement).hidden = pattern === null;
        if (!pattern) return;
        const origin = this.#origin;
        const site = { origin, setting: this.#settings.sites[origin] ?? null, isPermitted: await hasHosts([pattern]) };
        showSite(found("site", HTMLElement), site, this.#translator, {
            allow: () => this.#allowSite(pattern),
            set: (setting) => this.#setSite(setting),
            forget: () => this.#setSite(null),
        });
    }

    async #showLists() {
        await this.#showVideos();
        await this.#showAnalyses();
    }

    async #showVideos() {
        const found = await this.#do({ type: "tab.videos", tabId: this.#tabId });
        // The same again is left as it is: a button in it may have the focus.
        const now = JSON.stringify(found);
        if (!found || now === this.#lastShown) return;
        this.#lastShown = now;
        this.#shownIds = new Set(found.videos.map((/** @type {TabVideo} */ { analysis }) => analysis?.id));
        this.#keepingFocus(this.#videos, () => showVideos(this.#videos, found, this.#translator, {
            analyse: (video) => this.#analyse(video),
            show: ({ place, analysis }) => this.#openPanel(analysis ? analysis.id : { place }),
            remedies: { options: openOptions, permission: () => this.#permitGateway() },
        }));
    }

    async #showAnalyses() {
        const answer = await this.#do({ type: "analyses.list", limit: LISTED_COUNT });
        if (!answer) return;
        const analyses = /** @type {Analysis[]} */ (answer.analyses).filter(({ id }) => !this.#shownIds.has(id));
        this.#showRows("queue", analyses.filter((analysis) => isUnderWay(analysis.state)));
        this.#showRows("history", analyses.filter((analysis) => !isUnderWay(analysis.state)).slice(0, HISTORY_COUNT));
    }

    /**
     * @param {"queue"|"history"} id
     * @param {Analysis[]} analyses
     */
    #showRows(id, analyses) {
        const list = found(id, HTMLElement);
        found(`${id}-section`, HTMLElement).hidden = analyses.length === 0;
        this.#keepingFocus(list, () => list.replaceChildren(...analyses.map((analysis) =>
            analysisRow(analysis, this.#translator, () => this.#openPanel(analysis.id)))));
    }

    /**
     * Rows are made anew with every change; the focus stays on the button of the same place.
     * @param {HTMLElement} container
     * @param {() => void} change
     */
    #keepingFocus(container, change) {
        const at = [...container.querySelectorAll("button")].findIndex((each) => each === document.activeElement);
        change();
        if (at >= 0) container.querySelectorAll("button")[at]?.focus();
    }

    /** @param {TabVideo} video */
    async #analyse({ place }) {
        const answer = await this.#do({ type: "video.ask", place, again: false });
        if (answer) this.refresh();
    }

    /** @param {string | {place: import("../shared/types.js").VideoPlace}} entry  what the tab's panel shows */
    async #openPanel(entry) {
        // Not awaited: the browser opens the panel only within the click.
        const opening = openPanel(this.#tabId);
        await writeStorage("session", { [`panel:${this.#tabId}`]: entry });
        await opening;
        window.close();
    }

    /** @param {string} pattern */
    async #allowSite(pattern) {
        // The first thing in the click: the browser asks the person only then.
        if (await requestHosts([pattern])) await this.#setSite({ analysis: "ask", showsBadges: true });
    }

    /** @param {SiteSetting | null} setting */
    async #setSite(setting) {
        const isSet = await this.#do({ type: "site.set", origin: this.#origin, setting });
        if (isSet && !setting) await giveBackHost(this.#origin, await loadSettings());
    }

    async #permitGateway() {
        const pattern = hostPattern(this.#settings.gatewayUrl);
        if (pattern && (await requestHosts([pattern]))) await this.#showConnection();
    }

    /**
     * Asks the service worker; what it cannot do is shown.
     * @param {import("../shared/messages.js").PageMessage} message
     */
    async #do(message) {
        try {
            return await ask(message);
        } catch (error) {
            if (!(error instanceof ProblemError)) throw error;
            this.#problem.replaceChildren(problemCallout(error.problem, this.#translator, { options: openOptions, permission: () => this.#permitGateway() }));
        }
        return null;
    }
}
