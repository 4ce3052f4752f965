// @ts-check
import { button, element } from "../look/nodes.js";
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
 */

/**
 * @param {TabVideo} video
 * @param {Translator} translator
 * @param {{analyse: () => unknown, show: () => unknown}} actions
 */
export function videoRow({ summary, analysis }, translator, { analyse, show }) {
    const title = videoTitle(summary.source, translator);
    const facts = [
        summary.durationSeconds === null ? translator.text("popup_video_live") : translator.clock(summary.durationSeconds, 0),
        summary.widthPixels > 0 ? translator.size(summary.widthPixels, summary.heightPixels) : "",
        summary.isProtected ? translator.text("popup_video_protected") : "",
    ];
    return row(title, facts, analysis, translator, analysis ? showButton(title, translator, show)
        : button(translator.text("action_analyse"), analyse, {
            class: "primary", "aria-label": translator.text("popup_analyse_label", title),
        }));
}

/**
 * @param {Analysis} analysis
 * @param {Translator} translator
 * @param {() => unknown} show
 */
export function analysisRow(analysis, translator, show) {
    const title = analysis.pageTitle || videoTitle(analysis.source, translator);
    const facts = [hostOf(analysis.pageOrigin), translator.time(analysis.endedAt ?? analysis.createdAt)];
    return row(title, facts, analysis, translator, showButton(title, translator, show));
}

/**
 * @param {string} title
 * @param {Translator} translator
 * @param {() => unknown} show
 */
function showButton(title, translator, show) {
    return button(translator.text("action_show"), show, { "aria-label": translator.text("popup_show_label", title) });
}

/**
 * @param {string} title
 * @param {string[]} facts
 * @param {Analysis | null} analysis
 * @param {Translator} translator
 * @param {HTMLButtonElement} act
 */
function row(title, facts, analysis, translator, act) {
    return element("li", { class: "row" },
        element("div", { class: "row-text" },
            element("p", { class: "row-title", title }, element("bdi", {}, title)),
            element("p", { class: "quiet-text" }, facts.filter(Boolean).join(" · ")),
            analysis && element("p", { class: "row-state" }, verdictBadge(analysis, translator), share(analysis, translator))),
        act);
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
