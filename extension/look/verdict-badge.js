// @ts-check
import { standingWords } from "../shared/badge-words.js";
import { isUnderWay } from "../shared/state-words.js";
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
    const [tone, name] = look(analysis);
    return element("span", { class: `tag ${tone}` }, icon(name), translator.say(standingWords(analysis)));
}

/**
 * @param {Analysis} analysis
 * @returns {[tone: string, name: IconName]}
 */
function look(analysis) {
    const verdict = verdictWords(analysis);
    if (verdict?.isUntrained) return ["untrained", "untrained"];
    if (verdict) return [verdict.label, verdict.label];
    return isUnderWay(analysis.state) ? ["under-way", "waiting"] : ["ended", "problem"];
}
