// @ts-check
import { element } from "../look/nodes.js";
import { problemCallout } from "../look/problem-callout.js";
import { videoRow } from "./rows.js";

/**
 * @typedef {import("../shared/types.js").AnalysisProblem} AnalysisProblem
 * @typedef {import("../shared/translate.js").Translator} Translator
 * @typedef {import("../look/problem-callout.js").ProblemActions} ProblemActions
 * @typedef {import("./rows.js").TabVideo} TabVideo
 *
 * @typedef {object} VideoActions
 * @property {(video: TabVideo) => unknown} analyse
 * @property {(video: TabVideo) => unknown} show
 * @property {ProblemActions} remedies
 */

/**
 * The videos of the tab, those in sight first.
 * @param {HTMLElement} container
 * @param {{videos: TabVideo[], problem?: AnalysisProblem}} found
 * @param {Translator} translator
 * @param {VideoActions} actions
 */
export function showVideos(container, { videos, problem }, translator, { analyse, show, remedies }) {
    const inSight = [...videos].sort((one, other) => Number(other.summary.isVisible) - Number(one.summary.isVisible));
    const rows = inSight.map((video) => videoRow(video, translator, { analyse: () => analyse(video), show: () => show(video) }));
    /** @type {HTMLElement[]} */
    const nodes = problem ? [problemCallout(problem, translator, remedies)] : [];
    if (rows.length > 0) nodes.push(element("ul", { class: "rows" }, ...rows));
    else if (!problem) nodes.push(element("p", { class: "quiet-text" }, translator.text("popup_videos_none")));
    container.replaceChildren(...nodes);
}
