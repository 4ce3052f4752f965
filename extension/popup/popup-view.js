// @ts-check
import { connectionTag } from "../look/connection-state.js";
import { icon } from "../look/icons.js";
import { button, element, found } from "../look/nodes.js";
import { problemCallout } from "../look/problem-callout.js";
import { hasHosts, openOptions, openPanel, requestHosts, writeStorage } from "../shared/browser.js";
import { standingWords } from "../shared/badge-words.js";
import { giveBackHost } from "../shared/give-back-host.js";
import { hostPattern, parseHttpUrl } from "../shared/host-pattern.js";
import { ask, ProblemError } from "../shared/messages.js";
import { loadSettings } from "../shared/settings.js";
import { isUnderWay } from "../shared/state-words.js";
import { KnownAnalyses } from "./known-analyses.js";
import { analysisRow, RowList } from "./rows.js";
import { SiteView } from "./site-view.js";
import { VideosView } from "./videos-view.js";

/**
 * @typedef {import("../shared/browser.js").Tab} Tab
 * @typedef {import("../shared/types.js").Analysis} Analysis
 * @typedef {import("../shared/types.js").AnalysisProblem} AnalysisProblem
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
/** A page that is just loading has no videos yet: it is asked again so often, after so long. */
const MAXIMUM_LOOKS = 5;
const LOOK_MILLISECONDS = 1500;

/** The popup: the tab's videos, the site, the queue, what was asked before, and whether the gateway answers. */
export class PopupView {
    #tabId;
    #origin;
    #videos;
    #site;
    #lists = { queue: new RowList(found("queue", HTMLElement)), history: new RowList(found("history", HTMLElement)) };
    #problem = found("problem", HTMLElement);
    /** @type {Settings} */
    #settings = /** @type {any} */ (null);
    /** @type {Translator} */
    #translator = /** @type {any} */ (null);
    #known = new KnownAnalyses();
    /** @type {AnalysisProblem | undefined} */
    #tabProblem;
    /**
     * How the tab's videos stood when they were last shown, by video.
     * @type {Map<string, string> | null}
     */
    #standings = null;
    #isWaiting = false;
    #looks = 0;
    /** Counts the questions about the site, so that a late answer to an earlier one is left aside. */
    #turn = 0;

    /** @param {Tab | null} tab  in front */
    constructor(tab) {
        this.#tabId = tab?.id ?? -1;
        this.#origin = parseHttpUrl(tab?.url ?? "")?.origin ?? "";
        this.#videos = new VideosView(found("videos", HTMLElement), {
            analyse: ({ place }) => this.#do({ type: "video.ask", place, again: false }),
            show: ({ place, analysis }) => this.#openPanel(analysis ? analysis.id : { place }),
            remedies: { options: openOptions, permission: () => this.#permitGateway() },
        });
        this.#site = new SiteView(found("site", HTMLElement), {
            allow: () => this.#allowSite(),
            set: (setting) => this.#setSite(setting),
            forget: () => this.#setSite(null),
        });
    }

    /**
     * @param {Settings} settings
     * @param {Translator} translator
     */
    async use(settings, translator) {
        this.#settings = settings;
        this.#translator = translator;
        this.#showHint();
        await Promise.all([this.#showConnection(), this.#showSite(), this.#loadLists()]);
    }

    /**
     * Shows what has changed, soon.
     * @param {import("../shared/browser.js").StorageChanges} changes  of what is stored for good
     */
    take(changes) {
        if (!this.#known.take(changes) || this.#isWaiting) return;
        this.#isWaiting = true;
        setTimeout(() => {
            this.#isWaiting = false;
            this.#showLists();
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
        if (!pattern) return;
        const origin = this.#origin;
        const turn = (this.#turn += 1);
        const isPermitted = await hasHosts([pattern]);
        if (turn !== this.#turn) return;
        this.#site.show({ origin, setting: this.#settings.sites[origin] ?? null, isPermitted }, this.#translator);
        found("site-section", HTMLElement).hidden = false;
    }

    async #loadLists() {
        const [listed] = await Promise.all([this.#do({ type: "analyses.list", limit: LISTED_COUNT }), this.#look()]);
        if (listed) this.#known.list(listed.analyses);
        this.#showLists();
    }

    /** Asks for the tab's videos; again later where there are none. */
    async #look() {
        const answer = await this.#do({ type: "tab.videos", tabId: this.#tabId });
        if (!answer) return;
        this.#known.hear(answer.videos);
        this.#tabProblem = answer.problem;
        this.#looks += 1;
        if (answer.videos.length > 0 || answer.problem || this.#looks >= MAXIMUM_LOOKS) return;
        setTimeout(async () => {
            await this.#look();
            this.#showLists();
        }, LOOK_MILLISECONDS);
    }

    #showLists() {
        const { videos } = this.#known;
        this.#videos.show({ videos, problem: this.#tabProblem }, this.#translator);
        this.#tellOf(videos);
        const others = this.#known.elsewhere();
        this.#showRows("queue", others.filter((analysis) => isUnderWay(analysis.state)));
        this.#showRows("history", others.filter((analysis) => !isUnderWay(analysis.state)).slice(0, HISTORY_COUNT));
    }

    /**
     * Says which of the tab's videos stand otherwise than before.
     * @param {TabVideo[]} videos
     */
    #tellOf(videos) {
        const standings = new Map(videos.flatMap(({ place, analysis }) =>
            (analysis ? [/** @type {[string, string]} */ ([place.videoId, this.#translator.say(standingWords(analysis))])] : [])));
        const news = [...standings].filter(([id, standing]) => this.#standings && this.#standings.get(id) !== standing);
        this.#standings = standings;
        if (news.length > 0) found("news", HTMLElement).textContent = news.map(([, standing]) => standing).join(", ");
    }

    /**
     * @param {"queue"|"history"} id
     * @param {Analysis[]} analyses
     */
    #showRows(id, analyses) {
        found(`${id}-section`, HTMLElement).hidden = analyses.length === 0;
        this.#lists[id].show(analyses.map((analysis) =>
            analysisRow(analysis, this.#translator, () => this.#openPanel(analysis.id))), this.#translator);
    }

    /** @param {string | {place: import("../shared/types.js").VideoPlace}} entry  what the tab's panel shows */
    async #openPanel(entry) {
        // Not awaited: the browser opens the panel only within the click.
        const opening = openPanel(this.#tabId);
        await writeStorage("session", { [`panel:${this.#tabId}`]: entry });
        await opening;
        window.close();
    }

    async #allowSite() {
        // Both begin within the click: the browser asks the person only then, and its question may close the popup, after which nobody would
        // set the site.
        const setting = this.#setSite({ analysis: "ask", showsBadges: true });
        const isPermitted = await requestHosts([hostPattern(this.#origin) ?? ""]);
        await setting;
        if (!isPermitted) await this.#setSite(null);
        this.#settings = await loadSettings();
        await this.#showSite();
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
            const actions = { options: openOptions, permission: () => this.#permitGateway() };
            this.#problem.replaceChildren(problemCallout(error.problem, this.#translator, actions));
        }
        return null;
    }
}
