// @ts-check
import { arrange, button, element } from "../look/nodes.js";
import { verdictBadge } from "../look/verdict-badge.js";
import { videoTitle } from "../look/video-title.js";
import { stateWords } from "../shared/state-words.js";

/**
 * A video or an analysis as a row: what it is, how it stands, and one button.
 *
 * @typedef {import("../shared/types.js").Analysis} Analysis
 * @typedef {import("../shared/types.js").VideoPlace} VideoPlace
 * @typedef {import("../shared/types.js").VideoSummary} VideoSummary
 * @typedef {import("../shared/translate.js").Translator} Translator
 * @typedef {{place: VideoPlace, summary: VideoSummary, analysis: Analysis | null}} TabVideo
 *
 * @typedef {object} RowContent
 * @property {string} key  the same for as long as the row is about the same
 * @property {string} title
 * @property {string[]} facts
 * @property {Analysis | null} analysis
 * @property {{text: string, attributes: Record<string, string>}} button
 * @property {() => unknown} act  what the button does
 */

/**
 * @param {TabVideo} video
 * @param {Translator} translator
 * @param {{analyse: () => unknown, show: () => unknown}} actions
 * @returns {RowContent}
 */
export function videoRow({ place, summary, analysis }, translator, { analyse, show }) {
    const title = videoTitle(summary.source, translator);
    const facts = [
        summary.durationSeconds === null ? translator.text("popup_video_live") : translator.clock(summary.durationSeconds, 0),
        summary.widthPixels > 0 ? translator.size(summary.widthPixels, summary.heightPixels) : "",
        summary.isProtected ? translator.text("popup_video_protected") : "",
    ];
    const key = `${place.documentId} ${place.videoId}`;
    if (analysis) return { key, title, facts, analysis, button: showButton(title, translator), act: show };
    const attributes = { class: "primary", "aria-label": translator.text("popup_analyse_label", title) };
    return { key, title, facts, analysis, button: { text: translator.text("action_analyse"), attributes }, act: analyse };
}

/**
 * @param {Analysis} analysis
 * @param {Translator} translator
 * @param {() => unknown} show
 * @returns {RowContent}
 */
export function analysisRow(analysis, translator, show) {
    const title = analysis.pageTitle || videoTitle(analysis.source, translator);
    const facts = [hostOf(analysis.pageOrigin), translator.time(analysis.endedAt ?? analysis.createdAt)];
    return { key: analysis.id, title, facts, analysis, button: showButton(title, translator), act: show };
}

/**
 * The rows of a list. Each stays for as long as what it is about is listed, and its button for as long as it looks the same: changes come
 * several times a second, and a button that is made anew between its press and its release does nothing.
 */
export class RowList {
    #list;
    /** @type {Map<string, Row>} */
    #rows = new Map();

    /** @param {HTMLElement} list */
    constructor(list) {
        this.#list = list;
    }

    /**
     * @param {RowContent[]} contents
     * @param {Translator} translator
     */
    show(contents, translator) {
        const focused = /** @type {HTMLElement | null} */ (document.activeElement);
        const at = this.#buttons.findIndex((each) => each === focused);
        this.#rows = new Map(contents.map(({ key }) => [key, this.#rows.get(key) ?? new Row()]));
        contents.forEach((content) => this.#rows.get(content.key)?.show(content, translator));
        arrange(this.#list, [...this.#rows.values()].map(({ element: row }) => row));
        if (at < 0 || this.#list.contains(document.activeElement)) return;
        const buttons = this.#buttons;
        (buttons.find((each) => each === focused) ?? buttons[Math.min(at, buttons.length - 1)])?.focus();
    }

    get #buttons() {
        return [...this.#list.querySelectorAll("button")];
    }
}

class Row {
    element = element("li", { class: "row" });
    #text = element("div", { class: "row-text" });
    #button = element("button");
    /** @type {() => unknown} */
    #act = () => undefined;

    /**
     * @param {RowContent} content
     * @param {Translator} translator
     */
    show({ title, facts, analysis, button: { text, attributes }, act }, translator) {
        this.#act = act;
        const words = element("div", { class: "row-text" },
            element("p", { class: "row-title", title }, element("bdi", {}, title)),
            element("p", { class: "quiet-text" }, facts.filter(Boolean).join(" · ")),
            analysis && element("p", { class: "row-state" }, verdictBadge(analysis, translator), share(analysis, translator)));
        const wanted = button(text, () => this.#act(), attributes);
        const hadFocus = this.#button === document.activeElement;
        if (!this.#text.isEqualNode(words)) this.#text = words;
        if (!this.#button.isEqualNode(wanted)) this.#button = wanted;
        arrange(this.element, [this.#text, this.#button]);
        if (hadFocus) this.#button.focus();
    }
}

/**
 * @param {string} title
 * @param {Translator} translator
 */
function showButton(title, translator) {
    return { text: translator.text("action_show"), attributes: { "aria-label": translator.text("popup_show_label", title) } };
}

/**
 * @param {Analysis} analysis
 * @param {Translator} translator
 */
function share(analysis, translator) {
    const { progress } = stateWords(analysis);
    return progress === null ? null : element("span", { class: "quiet-text" }, translator.exactPercent(Math.round(progress * 100) / 100));
}

/** @param {string} origin */
function hostOf(origin) {
    return origin.replace(/^https?:\/\//, "");
}
