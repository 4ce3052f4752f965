// @ts-check
/**
 * Where an analysis stands, in words.
 *
 * @typedef {import("./types.js").Analysis} Analysis
 * @typedef {import("./types.js").AnalysisState} AnalysisState
 * @typedef {import("./types.js").ReadingMethod} ReadingMethod
 * @typedef {import("./translate.js").Words} Words
 *
 * @typedef {object} StateWords
 * @property {Words} title  one to three words
 * @property {Words} sentence  what is going on
 * @property {boolean} isUnderWay
 * @property {number | null} progress  0…1; null where how far is not known
 */

/** @type {Record<AnalysisState, [title: string, sentence: string]>} */
const STATES = {
    waiting: ["state_title_waiting", "state_sentence_waiting"],
    reading: ["state_title_reading", "state_sentence_reading"],
    uploading: ["state_title_uploading", "state_sentence_uploading"],
    queued: ["state_title_queued", "state_sentence_queued"],
    running: ["state_title_running", "state_sentence_running"],
    succeeded: ["state_title_succeeded", "state_sentence_succeeded"],
    failed: ["state_title_failed", "state_sentence_failed"],
    cancelled: ["state_title_cancelled", "state_sentence_cancelled"],
    unreadable: ["state_title_unreadable", "state_sentence_unreadable"],
};

/** @type {Record<string, string>} */
const STAGES = {
    fetching: "stage_fetching",
    decoding: "stage_decoding",
    classifying: "stage_classifying",
    drawing: "stage_drawing",
    storing: "stage_storing",
};

/** @type {Record<ReadingMethod, string>} */
const METHODS = { file: "method_file", url: "method_url", frames: "method_frames", capture: "method_capture" };

/** @type {Record<ReadingMethod, string>} */
const READING = {
    file: "state_sentence_reading_file",
    url: "state_sentence_reading",
    frames: "state_sentence_reading_frames",
    capture: "state_sentence_reading_capture",
};

/** The states in their order, up to the verdict. */
export const STEPS = Object.freeze(/** @type {AnalysisState[]} */ (["waiting", "reading", "uploading", "queued", "running"]));

/** The states whose progress is told. */
const ADVANCING = Object.freeze(/** @type {AnalysisState[]} */ (["reading", "uploading", "running"]));

/** @param {AnalysisState} state */
export function isUnderWay(state) {
    return STEPS.includes(state);
}

/**
 * @param {Analysis} analysis
 * @returns {StateWords}
 */
export function stateWords(analysis) {
    const [title] = STATES[analysis.state];
    return {
        title: { key: title },
        sentence: sentence(analysis),
        isUnderWay: isUnderWay(analysis.state),
        progress: ADVANCING.includes(analysis.state) && analysis.progress > 0 ? Math.min(1, analysis.progress) : null,
    };
}

/** @param {AnalysisState} state */
export function stateTitle(state) {
    return { key: STATES[state][0] };
}

/**
 * How the picture got to the gateway; null while that is open.
 * @param {Analysis} analysis
 * @returns {Words | null}
 */
export function methodWords(analysis) {
    return analysis.method ? { key: METHODS[analysis.method] } : null;
}

/**
 * @param {Analysis} analysis
 * @returns {Words}
 */
function sentence(analysis) {
    const { state, stage, method, problem } = analysis;
    if (state === "waiting" && problem) return { key: "state_sentence_held" };
    if (state === "running" && stage && Object.hasOwn(STAGES, stage)) return { key: STAGES[stage] };
    if (state === "reading" && method) return { key: READING[method] };
    return { key: STATES[state][1] };
}
