// @ts-check
import { stateWords } from "../shared/state-words.js";
import { verdictWords } from "../shared/verdict-words.js";
import { icon } from "./icons.js";
import { element } from "./nodes.js";

/**
 * @typedef {import("../shared/types.js").Analysis} Analysis
 * @typedef {import("../shared/translate.js").Translator} Translator
 * @typedef {import("./icons.js").IconName} IconName
 */

/**
 * An analysis's standing in two or three words, with a picture.
 * @param {Analysis} analysis
 * @param {Translator} translator
 */
export function verdictBadge(analysis, translator) {
    const verdict = verdictWords(analysis);
    if (verdict) {
        const tone = verdict.isUntrained ? "untrained" : verdict.label;
        return element("span", { class: `tag ${tone}` }, icon(tone), translator.say(verdict.title));
    }
    const state = stateWords(analysis);
    /** @type {IconName} */
    const name = state.isUnderWay ? "waiting" : "problem";
    return element("span", { class: `tag ${state.isUnderWay ? "under-way" : "ended"}` }, icon(name), translator.say(state.title));
}
