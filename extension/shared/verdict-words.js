// @ts-check
import { decidingTrack, readVerdict } from "./verdict-shape.js";

/**
 * What a verdict says, in words. The order is the order of importance: an untrained model comes before everything else, for then nothing
 * else counts.
 *
 * @typedef {import("./types.js").Analysis} Analysis
 * @typedef {import("./translate.js").Words} Words
 * @typedef {import("./verdict-shape.js").Verdict} Verdict
 * @typedef {import("./verdict-shape.js").Label} Label
 * @typedef {import("./verdict-shape.js").Frame} Frame
 *
 * @typedef {{code: string, words: Words}} Note
 *
 * @typedef {object} VerdictWords
 * @property {Verdict} verdict  as it was read
 * @property {Label} label
 * @property {boolean} isUntrained
 * @property {Words} title  two or three words
 * @property {Words} sentence  what the verdict says, plainly
 * @property {Words | null} certainty  how sure that is, in words; null where nothing was judged or nothing counts
 * @property {Words[]} numbers  the same in numbers
 * @property {Words[]} limits  what it does not mean
 * @property {Note[]} reasons  why the label is uncertain
 * @property {Note[]} warnings  what leaves the label alone, but should be known
 */

/** @type {Record<string, string>} */
const REASONS = {
    untrained_model: "reason_model_untrained",
    inside_abstention_band: "reason_inside_band",
    no_face: "reason_face_missing",
    too_small: "reason_face_small",
    too_dark: "reason_face_dark",
    too_blurred: "reason_face_blurred",
    seen_too_briefly: "reason_face_brief",
};

/** @type {Record<string, string>} */
const WARNINGS = {
    short_clip: "warning_clip_short",
    damaged_frames: "warning_frames_damaged",
    truncated_tail: "warning_tail_truncated",
    size_changed: "warning_size_changed",
    missing_timestamps: "warning_timestamps_missing",
    reencoded: "warning_frames_reencoded",
};

/** @type {Record<Label, string>} */
const TITLES = { fake: "verdict_title_fake", real: "verdict_title_real", uncertain: "verdict_title_uncertain" };

/** @type {Record<Label, string[]>} */
const LIMITS = {
    fake: ["verdict_limit_fake_proof", "verdict_limit_fake_intent", "verdict_limit_scope"],
    real: ["verdict_limit_real_proof", "verdict_limit_real_kinds", "verdict_limit_scope"],
    uncertain: ["verdict_limit_uncertain", "verdict_limit_scope"],
};

/**
 * @param {Analysis} analysis
 * @returns {VerdictWords | null}  null as long as there is no verdict
 */
export function verdictWords(analysis) {
    const verdict = analysis.state === "succeeded" ? readVerdict(analysis.verdict) : null;
    if (!verdict) return null;
    const isUntrained = !verdict.model.isTrained;
    return {
        verdict,
        label: verdict.label,
        isUntrained,
        title: { key: isUntrained ? "verdict_title_untrained" : TITLES[verdict.label] },
        sentence: sentence(verdict, isUntrained),
        certainty: isUntrained || verdict.probability === null ? null : { key: certaintyKey(verdict, verdict.probability) },
        numbers: numbers(verdict),
        limits: limits(verdict, isUntrained),
        reasons: reasons(verdict, isUntrained),
        warnings: warnings(verdict, analysis),
    };
}

/**
 * A person in a line: number, label, probability, and whether the verdict is about them.
 * @param {Verdict} verdict
 * @param {number} index  into its tracks
 * @returns {Words}
 */
export function trackWords({ tracks, decidedBy }, index) {
    const { label, probability } = tracks[index];
    return {
        key: index === decidedBy ? "panel_track_deciding" : "panel_track",
        substitutions: [{ count: index + 1 }, { key: TITLES[label] }, { percent: probability }],
    };
}

/**
 * @param {Verdict} verdict
 * @param {boolean} isUntrained
 * @returns {Words}
 */
function sentence(verdict, isUntrained) {
    if (isUntrained) return { key: "verdict_sentence_untrained" };
    if (verdict.probability === null) return { key: "verdict_sentence_nothing" };
    const substitutions = [{ percent: verdict.probability }];
    if (verdict.label === "fake") return { key: "verdict_sentence_fake", substitutions };
    if (verdict.label === "real") return { key: "verdict_sentence_real", substitutions };
    return { key: "verdict_sentence_uncertain", substitutions };
}

/**
 * How firm a probability is: how far it lies outside the band of abstention, and how many of the frames stand on its side.
 * @param {Verdict} verdict
 * @param {number} probability
 */
function certaintyKey(verdict, probability) {
    if (verdict.label === "uncertain") return "verdict_certainty_none";
    const distance = distanceFromBand(verdict.abstention, probability);
    const agreement = agreeingShare(decidingTrack(verdict)?.frames ?? [], verdict.threshold, probability);
    if (distance >= 0.5 && agreement >= 0.8) return "verdict_certainty_firm";
    if (distance >= 0.2 && agreement >= 0.6) return "verdict_certainty_fair";
    return "verdict_certainty_weak";
}

/**
 * 0 inside the band and at its edge, 1 at a probability of 0 or 1.
 * @param {[number, number]} band
 * @param {number} probability
 */
function distanceFromBand([low, high], probability) {
    if (probability > high) return (probability - high) / (1 - high);
    return probability < low ? (low - probability) / low : 0;
}

/**
 * The share of frames on the same side of the threshold as the whole.
 * @param {Frame[]} frames
 * @param {number} threshold
 * @param {number} probability
 */
function agreeingShare(frames, threshold, probability) {
    const isAbove = probability >= threshold;
    return frames.filter((frame) => frame.probability >= threshold === isAbove).length / Math.max(1, frames.length);
}

/**
 * @param {Verdict} verdict
 * @returns {Words[]}
 */
function numbers(verdict) {
    if (verdict.probability === null) return [];
    const [low, high] = verdict.abstention;
    /** @type {Words[]} */
    const words = [{ key: "verdict_number_probability", substitutions: [{ percent: verdict.probability }] }];
    words.push({ key: "verdict_number_threshold", substitutions: [{ bound: verdict.threshold }] });
    if (low < high) words.push({ key: "verdict_number_band", substitutions: [{ bound: low }, { bound: high }] });
    const frames = decidingTrack(verdict)?.frames ?? [];
    if (frames.length > 1) words.push(spread(frames, verdict.threshold));
    return words;
}

/**
 * @param {Frame[]} frames
 * @param {number} threshold
 * @returns {Words}
 */
function spread(frames, threshold) {
    const probabilities = frames.map((frame) => frame.probability);
    const above = probabilities.filter((probability) => probability >= threshold).length;
    const [lowest, highest] = [Math.min(...probabilities), Math.max(...probabilities)];
    return {
        key: "verdict_number_frames",
        substitutions: [{ count: above }, { count: frames.length }, { percent: lowest }, { percent: highest }],
    };
}

/**
 * @param {Verdict} verdict
 * @param {boolean} isUntrained
 * @returns {Words[]}
 */
function limits(verdict, isUntrained) {
    if (isUntrained) return [{ key: "verdict_limit_untrained" }];
    if (verdict.probability === null) return [{ key: "verdict_limit_nothing" }];
    return LIMITS[verdict.label].map((key) => ({ key }));
}

/**
 * @param {Verdict} verdict
 * @param {boolean} isUntrained
 * @returns {Note[]}
 */
function reasons(verdict, isUntrained) {
    const codes = new Set(isUntrained ? ["untrained_model", ...verdict.reasons] : verdict.reasons);
    return [...codes].map((code) => note(code, REASONS, "reason_other"));
}

/**
 * @param {Verdict} verdict
 * @param {Analysis} analysis
 * @returns {Note[]}
 */
function warnings(verdict, analysis) {
    const codes = new Set(verdict.warnings);
    // Also where a gateway knows nothing of it yet: here it is known for certain.
    if (isReencoded(analysis)) codes.add("reencoded");
    return [...codes].map((code) => note(code, WARNINGS, "warning_other"));
}

/**
 * Whether the browser encoded the frames again before they were sent.
 * @param {Analysis} analysis
 */
export function isReencoded(analysis) {
    return analysis.method === "frames" || analysis.method === "capture";
}

/**
 * @param {string} code
 * @param {Record<string, string>} keys
 * @param {string} otherwise  for codes of later gateways, which are shown as they came
 * @returns {Note}
 */
function note(code, keys, otherwise) {
    return { code, words: Object.hasOwn(keys, code) ? { key: keys[code] } : { key: otherwise, substitutions: [code] } };
}
