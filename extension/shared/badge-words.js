// @ts-check
import { problemWords } from "./problem-words.js";
import { stateWords } from "./state-words.js";
import { verdictWords } from "./verdict-words.js";

/**
 * @typedef {import("./types.js").Analysis} Analysis
 * @typedef {import("./types.js").BadgeView} BadgeView
 * @typedef {import("./translate.js").Translator} Translator
 */

/**
 * How an analysis stands, in two or three words: its verdict where there is one, else its state.
 * @param {Analysis} analysis
 */
export function standingWords(analysis) {
    return verdictWords(analysis)?.title ?? stateWords(analysis).title;
}

/**
 * What a video's badge shows.
 * @param {Analysis | null} analysis  null: nobody has asked
 * @param {Translator} translator
 * @returns {BadgeView}
 */
export function badgeView(analysis, translator) {
    if (!analysis) {
        return {
            state: "idle", label: null, progress: 0, isUntrained: false,
            text: translator.text("badge_text_idle"), description: translator.text("badge_description_idle"),
        };
    }
    const verdict = verdictWords(analysis);
    if (verdict) {
        return {
            state: analysis.state, label: verdict.label, progress: 1, isUntrained: verdict.isUntrained,
            text: translator.say(verdict.title), description: translator.text("badge_description_verdict", verdict.title, verdict.sentence),
        };
    }
    const state = stateWords(analysis);
    const because = analysis.problem ? problemWords(analysis.problem).title : state.sentence;
    return {
        state: analysis.state, label: null, progress: state.progress ?? 0, isUntrained: false,
        text: translator.say(state.title), description: translator.text("badge_description_state", state.title, because),
    };
}
