// @ts-check
import { arrange, element } from "../look/nodes.js";
import { problemCallout } from "../look/problem-callout.js";
import { RowList, videoRow } from "./rows.js";

/**
 * @typedef {import("../shared/types.js").AnalysisProblem} AnalysisProblem
 * @typedef {import("../shared/translate.js").Translator} Translator
 * @typedef {import("../look/problem-callout.js").ProblemActions} ProblemActions
 * @typedef {import("./rows.js").TabVideo} TabVideo
 *
 * @typedef {object} VideoActions
 * @property {(video: TabVideo) => unknown} analyse
 * @property {(video: TabVideo) => unknown} show
 * @property {ProblemActions} remedies  what they do does not depend on the problem
 */

/** The videos of the tab, those in sight first. */
export class VideosView {
    #container;
    #actions;
    #list = element("ul", { class: "rows" });
    #rows = new RowList(this.#list);

    /**
     * @param {HTMLElement} container
     * @param {VideoActions} actions
     */
    constructor(container, actions) {
        this.#container = container;
        this.#actions = actions;
    }

    /**
     * @param {{videos: TabVideo[], problem?: AnalysisProblem}} found
     * @param {Translator} translator
     */
    show({ videos, problem }, translator) {
        const { analyse, show, remedies } = this.#actions;
        const inSight = [...videos].sort((one, other) => Number(other.summary.isVisible) - Number(one.summary.isVisible));
        this.#rows.show(inSight.map((video) => videoRow(video, translator, {
            analyse: () => analyse(video), show: () => show(video),
        })), translator);
        /** @type {HTMLElement[]} */
        const nodes = problem ? [problemCallout(problem, translator, remedies)] : [];
        if (videos.length > 0) nodes.push(this.#list);
        else if (!problem) nodes.push(element("p", { class: "quiet-text" }, translator.text("popup_videos_none")));
        arrange(this.#container, nodes.map((node) => [...this.#container.children].find((child) => child.isEqualNode(node)) ?? node));
    }
}
