// @ts-check
import { problemWords } from "../shared/problem-words.js";
import { icon } from "./icons.js";
import { button, element } from "./nodes.js";

/**
 * @typedef {import("../shared/types.js").AnalysisProblem} AnalysisProblem
 * @typedef {import("../shared/translate.js").Translator} Translator
 * @typedef {Partial<Record<"options"|"permission"|"again", () => unknown>>} ProblemActions
 *   what the page can do; each is called within a click
 */

/** @type {Record<"options"|"permission"|"again", string>} */
const ACTION_TEXTS = { options: "action_options", permission: "action_permit", again: "action_again" };

/**
 * What went wrong, what to do about it, and the gateway's own words.
 * @param {AnalysisProblem} problem
 * @param {Translator} translator
 * @param {ProblemActions} [actions]
 * @param {string} [more]  a sentence after the advice
 */
export function problemCallout(problem, translator, actions = {}, more = "") {
    const { title, advice, action } = problemWords(problem);
    const act = action && action !== "play" ? actions[action] : undefined;
    return element("div", { class: "callout problem" },
        icon("problem"),
        element("p", {}, element("strong", {}, translator.say(title))),
        element("p", {}, translator.say(advice), more ? ` ${more}` : ""),
        problem.detail && ownWords(problem.detail, translator),
        action && action !== "play" && act && element("div", { class: "buttons" }, button(translator.text(ACTION_TEXTS[action]), act)));
}

/**
 * What the gateway itself said.
 * @param {string} detail
 * @param {Translator} translator
 */
export function ownWords(detail, translator) {
    return element("p", { class: "quiet-text" }, translator.text("problem_detail"), " ", element("q", { dir: "auto" }, detail));
}
