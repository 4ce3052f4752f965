// @ts-check
import { confirmed } from "../look/confirm.js";
import { icon } from "../look/icons.js";
import { button, element } from "../look/nodes.js";
import { problemCallout } from "../look/problem-callout.js";
import { openOptions, requestHosts } from "../shared/browser.js";
import { standingWords } from "../shared/badge-words.js";
import { GatewayClient } from "../shared/gateway-client.js";
import { hostPattern } from "../shared/host-pattern.js";
import { ask, ProblemError } from "../shared/messages.js";
import { problemWords } from "../shared/problem-words.js";
import { isUnderWay, stateWords } from "../shared/state-words.js";
import { verdictWords } from "../shared/verdict-words.js";
import { actionsView } from "./actions-view.js";
import { EvidenceView } from "./evidence-view.js";
import { factsView } from "./facts-view.js";
import { Pictures } from "./pictures.js";
import { ProgressView } from "./progress-view.js";
import { saveHtml, saveJson } from "./save-report.js";
import { verdictCard, verdictNotes, verdictNumbers } from "./verdict-card.js";

/**
 * @typedef {import("../shared/types.js").Analysis} Analysis
 * @typedef {import("../shared/types.js").AnalysisProblem} AnalysisProblem
 * @typedef {import("../shared/types.js").Settings} Settings
 * @typedef {import("../shared/types.js").VideoPlace} VideoPlace
 * @typedef {import("../shared/translate.js").Translator} Translator
 * @typedef {import("../shared/verdict-words.js").VerdictWords} VerdictWords
 * @typedef {import("./shown-analysis.js").Shown} Shown
 * @typedef {{title: HTMLElement, origin: HTMLElement, news: HTMLElement, main: HTMLElement}} PanelPage
 */

/** Shows one analysis at a time, and keeps what is shown as long as it is the same: focus, slider and scrolling stay where they are. */
export class PanelView {
    #page;
    /** @type {Settings} */
    #settings = /** @type {any} */ (null);
    /** @type {Translator} */
    #translator = /** @type {any} */ (null);
    /** What the page shows now; the same again is not built again. */
    #key = "";
    /** @type {ProgressView | null} */
    #progress = null;
    /** @type {EvidenceView | null} */
    #evidence = null;
    /** @type {Pictures | null} */
    #pictures = null;
    #problem = element("div", {});

    #choose;

    /**
     * @param {PanelPage} page
     * @param {(analysisId: string) => Promise<void>} choose  shows another analysis from now on
     */
    constructor(page, choose) {
        this.#page = page;
        this.#choose = choose;
    }

    /**
     * @param {Settings} settings
     * @param {Translator} translator
     */
    use(settings, translator) {
        this.#settings = settings;
        this.#translator = translator;
        this.#key = "";
    }

    /** @param {Shown} shown */
    show(shown) {
        if (shown.kind === "analysis") this.#showAnalysis(shown.analysis);
        else if (shown.kind === "place") this.#build(`place ${shown.place.videoId}`, () => this.#unasked(shown.place));
        else this.#build(shown.kind, () => this.#empty(shown.kind === "erased"));
    }

    /** @param {Analysis} analysis */
    #showAnalysis(analysis) {
        const { id, state, changedAt } = analysis;
        const key = isUnderWay(state) ? `${id} under way` : `${id} ${state} ${changedAt}`;
        this.#build(key, () => this.#analysisNodes(analysis));
        this.#page.title.textContent = analysis.pageTitle || this.#translator.text("panel_video_untitled");
        this.#page.origin.textContent = analysis.pageOrigin;
        this.#progress?.show(analysis);
        this.#tell(this.#translator.say(standingWords(analysis)));
    }

    /**
     * @param {string} key
     * @param {() => (Node | null)[]} nodes
     */
    #build(key, nodes) {
        if (key === this.#key) return;
        this.#key = key;
        this.#evidence?.close();
        this.#pictures?.close();
        this.#progress = null;
        this.#evidence = null;
        this.#pictures = null;
        this.#problem = element("div", { class: "action-problem", role: "alert" });
        this.#page.title.textContent = this.#translator.text("panel_title");
        this.#page.origin.textContent = "";
        this.#page.main.replaceChildren(...nodes().filter(isNode), this.#problem);
    }

    /**
     * @param {Analysis} analysis
     * @returns {(Node | null)[]}
     */
    #analysisNodes(analysis) {
        if (isUnderWay(analysis.state)) {
            const stop = () => this.#do({ type: "analysis.stop", analysisId: analysis.id });
            this.#progress = new ProgressView(this.#translator, { ...this.#remedies(analysis.id), stop });
            return [this.#progress.node];
        }
        const words = verdictWords(analysis);
        return words ? this.#verdictNodes(analysis, words) : this.#endNodes(analysis);
    }

    /**
     * @param {Analysis} analysis
     * @param {VerdictWords} words
     * @returns {(Node | null)[]}
     */
    #verdictNodes(analysis, words) {
        const pictures = new Pictures(this.#pictureSource(analysis));
        this.#pictures = pictures;
        const seek = analysis.place ? (/** @type {number} */ seconds) => this.#seek(analysis.id, seconds) : null;
        this.#evidence = words.verdict.tracks.some((track) => track.frames.length > 0)
            ? new EvidenceView(words.verdict, this.#translator, pictures, seek) : null;
        const link = this.#jobLink(analysis);
        return [
            verdictCard(words, this.#translator),
            ...verdictNotes(words, this.#translator),
            this.#evidence?.node ?? null,
            verdictNumbers(words, this.#translator),
            factsView(analysis, words.verdict, this.#translator, link),
            actionsView(this.#translator, {
                again: () => this.#again(analysis.id),
                saveHtml: () => this.#saveHtml(analysis, link, pictures),
                saveJson: () => saveJson(analysis, link),
                erase: () => this.#erase(analysis.id),
            }),
        ];
    }

    /**
     * The job's pictures, from its own gateway alone: another one neither has them nor may learn this one's key.
     * @param {Analysis} analysis
     * @returns {(link: string) => Promise<Blob>}
     */
    #pictureSource(analysis) {
        const { gatewayUrl, gatewayKey } = this.#settings;
        const isElsewhere = analysis.gatewayUrl && analysis.gatewayUrl !== gatewayUrl;
        if (isElsewhere) return () => Promise.reject(new Error("The job is at another gateway."));
        const gateway = new GatewayClient({ url: gatewayUrl, key: gatewayKey });
        return (link) => gateway.picture(link);
    }

    /**
     * @param {Analysis} analysis
     * @returns {(Node | null)[]}
     */
    #endNodes(analysis) {
        const words = stateWords(analysis);
        return [
            element("section", { class: "end", "aria-labelledby": "end-title" },
                element("h2", { id: "end-title" }, this.#translator.say(words.title)),
                analysis.problem
                    ? problemCallout(analysis.problem, this.#translator, this.#remedies(analysis.id))
                    : element("p", {}, this.#translator.say(words.sentence)),
                ...this.#earlierWays(analysis)),
            actionsView(this.#translator, {
                again: () => this.#again(analysis.id), saveHtml: null, saveJson: null, erase: () => this.#erase(analysis.id),
            }),
        ];
    }

    /**
     * Why the better ways to the picture did not do.
     * @param {Analysis} analysis
     */
    #earlierWays({ methodNotes = [], problem }) {
        const others = [...new Set(methodNotes)].filter((code) => code !== problem?.code);
        if (others.length === 0) return [];
        const lines = others.map((code) => element("li", {}, this.#translator.say(problemWords({ code, detail: "" }).title)));
        return [element("h3", {}, this.#translator.text("panel_heading_tried")), element("ul", { class: "tried" }, ...lines)];
    }

    /** @param {VideoPlace} place */
    #unasked(place) {
        const start = () => this.#start({ type: "video.ask", place, again: false });
        return [element("section", { class: "empty" },
            element("h2", {}, this.#translator.text("panel_unasked_title")),
            element("p", {}, this.#translator.text("panel_unasked_sentence")),
            element("div", { class: "buttons" },
                button(this.#translator.text("action_analyse"), start, { class: "primary" }, icon("play"))))];
    }

    /** @param {boolean} isErased */
    #empty(isErased) {
        return [element("section", { class: "empty" },
            element("h2", {}, this.#translator.text(isErased ? "panel_erased_title" : "panel_empty_title")),
            element("p", {}, this.#translator.text(isErased ? "panel_erased_sentence" : "panel_empty_sentence")))];
    }

    /** @param {string} analysisId */
    #remedies(analysisId) {
        return { options: openOptions, permission: () => this.#permit(), again: () => this.#again(analysisId) };
    }

    #permit() {
        const pattern = hostPattern(this.#settings.gatewayUrl);
        return pattern ? requestHosts([pattern]) : openOptions();
    }

    /** @param {string} analysisId */
    #again(analysisId) {
        return this.#start({ type: "analysis.again", analysisId });
    }

    /** @param {import("../shared/messages.js").PageMessage} message  whose answer is another analysis */
    async #start(message) {
        const answer = await this.#do(message);
        if (answer) await this.#choose(answer.analysisId);
    }

    /**
     * @param {string} analysisId
     * @param {number} seconds
     */
    async #seek(analysisId, seconds) {
        const answer = await this.#do({ type: "analysis.seek", analysisId, seconds });
        if (answer && !answer.done) this.#fail({ code: "page_gone", detail: "" });
    }

    /** @param {string} analysisId */
    async #erase(analysisId) {
        const keys = { title: "panel_erase_title", sentence: "panel_erase_sentence", confirm: "action_erase" };
        if (await confirmed(this.#translator, keys)) await this.#do({ type: "analysis.erase", analysisId });
    }

    /**
     * @param {Analysis} analysis
     * @param {string} link
     * @param {Pictures} pictures
     */
    async #saveHtml(analysis, link, pictures) {
        this.#tell(this.#translator.text("report_collecting"));
        const { missing } = await saveHtml(analysis, link, this.#translator, pictures);
        this.#tell(missing === 0 ? this.#translator.text("report_saved")
            : this.#translator.counted({ one: "report_saved_missing_one", other: "report_saved_missing_other" }, missing));
    }

    /**
     * Asks the service worker; what it cannot do is shown.
     * @param {import("../shared/messages.js").PageMessage} message
     */
    async #do(message) {
        this.#problem.replaceChildren();
        try {
            return await ask(message);
        } catch (error) {
            if (!(error instanceof ProblemError)) throw error;
            this.#fail(error.problem);
        }
        return null;
    }

    /** @param {AnalysisProblem} problem */
    #fail(problem) {
        const actions = { options: openOptions, permission: () => this.#permit() };
        this.#problem.replaceChildren(problemCallout(problem, this.#translator, actions));
        this.#problem.scrollIntoView({ block: "nearest" });
    }

    /** @param {Analysis} analysis */
    #jobLink({ jobId, gatewayUrl }) {
        const base = this.#settings.dashboardUrl || gatewayUrl || this.#settings.gatewayUrl;
        return jobId && base ? `${base}/jobs/${encodeURIComponent(jobId)}` : "";
    }

    /** @param {string} news */
    #tell(news) {
        // Said again only when it is news.
        if (this.#page.news.textContent !== news) this.#page.news.textContent = news;
    }
}

/**
 * @param {Node | null} node
 * @returns {node is Node}
 */
function isNode(node) {
    return node !== null;
}
