// @ts-check
import { icon } from "../look/icons.js";
import { drawing, element } from "../look/nodes.js";

/**
 * The verdict in words, with its place on the scale from real to fake.
 *
 * @typedef {import("../shared/translate.js").Translator} Translator
 * @typedef {import("../shared/translate.js").Words} Words
 * @typedef {import("../shared/verdict-shape.js").Verdict} Verdict
 * @typedef {import("../shared/verdict-words.js").Note} Note
 * @typedef {import("../shared/verdict-words.js").VerdictWords} VerdictWords
 */

/** The number begins or ends with its mark, whose radius is 7. */
const SHIFTS = Object.freeze({ start: -7, middle: 0, end: 7 });

/**
 * @param {VerdictWords} words
 * @param {Translator} translator
 */
export function verdictCard(words, translator) {
    const tone = words.isUntrained ? "untrained" : words.label;
    return element("section", { class: `verdict ${tone}`, "aria-labelledby": "verdict-title" },
        element("h2", { id: "verdict-title" }, icon(tone), translator.say(words.title)),
        element("p", { class: "verdict-sentence" }, translator.say(words.sentence)),
        // A place on the scale would be taken for an answer.
        !words.isUntrained && words.verdict.probability !== null && scale(words.verdict, words.verdict.probability, translator),
        words.certainty && element("p", {}, translator.say(words.certainty)));
}

/**
 * What follows the card: reasons, warnings and limits.
 * @param {VerdictWords} words
 * @param {Translator} translator
 */
export function verdictNotes(words, translator) {
    return [
        notes("panel_heading_reasons", words.reasons, translator),
        notes("panel_heading_warnings", words.warnings, translator),
        lines("panel_heading_limits", words.limits, translator),
    ];
}

/**
 * The verdict in numbers.
 * @param {VerdictWords} words
 * @param {Translator} translator
 */
export function verdictNumbers(words, translator) {
    return lines("panel_heading_certainty", words.numbers, translator, "h2");
}

/**
 * @param {Verdict} verdict
 * @param {number} probability
 * @param {Translator} translator
 */
function scale({ threshold, abstention: [low, high] }, probability, translator) {
    const label = translator.text("verdict_scale_label", { percent: probability }, { bound: threshold });
    const at = (/** @type {number} */ fraction) => `${fraction * 100}%`;
    // Near an end the number would stick out.
    const anchor = probability < 0.12 ? "start" : probability > 0.88 ? "end" : "middle";
    return element("div", { class: "scale", dir: "ltr" },
        drawing("svg", { class: "scale-drawing", role: "img", "aria-label": label, width: "100%", height: 44 },
            drawing("text", { class: "scale-number", x: at(probability), dx: SHIFTS[anchor], y: 14, "text-anchor": anchor },
                translator.percent(probability)),
            drawing("rect", { class: "scale-bar", x: 0, y: 27, width: "100%", height: 8, rx: 4 }),
            drawing("rect", { class: "scale-band", x: at(low), y: 27, width: at(high - low), height: 8 }),
            drawing("line", { class: "scale-threshold", x1: at(threshold), x2: at(threshold), y1: 23, y2: 39 }),
            drawing("circle", { class: "scale-mark", cx: at(probability), cy: 31, r: 7 })),
        element("p", { class: "scale-ends", "aria-hidden": "true" },
            element("span", {}, translator.text("verdict_scale_real")), element("span", {}, translator.text("verdict_scale_fake"))));
}

/**
 * @param {string} heading
 * @param {Note[]} found
 * @param {Translator} translator
 */
function notes(heading, found, translator) {
    return lines(heading, found.map((note) => note.words), translator);
}

/**
 * @param {string} heading
 * @param {Words[]} words
 * @param {Translator} translator
 * @param {"h2"|"h3"} [level]
 */
function lines(heading, words, translator, level = "h3") {
    if (words.length === 0) return null;
    return element("section", { class: "notes" },
        element(level, {}, translator.text(heading)),
        element("ul", {}, ...words.map((each) => element("li", {}, translator.say(each)))));
}
