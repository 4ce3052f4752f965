// @ts-check
/**
 * What went wrong, in words, and what to do about it.
 *
 * @typedef {import("./types.js").AnalysisProblem} AnalysisProblem
 * @typedef {import("./translate.js").Words} Words
 * @typedef {"options"|"permission"|"again"|"play"|null} ProblemAction  what the person can do about it from a page of the extension
 *
 * @typedef {object} ProblemWords
 * @property {Words} title  what went wrong
 * @property {Words} advice  what to do about it
 * @property {ProblemAction} action
 */

/** @type {Record<string, [title: string, advice: string, action: ProblemAction]>} */
const PROBLEMS = {
    gateway_unset: ["problem_title_gateway_unset", "problem_advice_gateway_unset", "options"],
    gateway_unreachable: ["problem_title_gateway_unreachable", "problem_advice_gateway_unreachable", "options"],
    permission_missing: ["problem_title_permission_missing", "problem_advice_permission_missing", "permission"],
    unauthenticated: ["problem_title_unauthenticated", "problem_advice_unauthenticated", "options"],
    scope_missing: ["problem_title_scope_missing", "problem_advice_scope_missing", "options"],
    gateway_changed: ["problem_title_gateway_changed", "problem_advice_gateway_changed", "options"],
    not_whorl: ["problem_title_not_whorl", "problem_advice_not_whorl", "options"],

    page_refused: ["problem_title_page_refused", "problem_advice_page_refused", null],
    storage_full: ["problem_title_browser_full", "problem_advice_browser_full", "options"],
    message_refused: ["problem_title_message_refused", "problem_advice_message_refused", null],
    unknown_analysis: ["problem_title_unknown_analysis", "problem_advice_unknown_analysis", null],
    unknown_video: ["problem_title_unknown_video", "problem_advice_page_gone", null],
    not_visible: ["problem_title_not_visible", "problem_advice_not_visible", "again"],
    paused: ["problem_title_paused", "problem_advice_paused", "again"],
    protected: ["problem_title_protected", "problem_advice_protected", null],
    black: ["problem_title_black", "problem_advice_black", "again"],
    tainted: ["problem_title_tainted", "problem_advice_tainted", "again"],
    nothing_loaded: ["problem_title_nothing_loaded", "problem_advice_nothing_loaded", "play"],
    page_gone: ["problem_title_page_gone", "problem_advice_page_gone", null],
    reading_failed: ["problem_title_reading_failed", "problem_advice_reading_failed", "again"],
    too_large: ["problem_title_too_large", "problem_advice_too_large", "again"],
    upload_too_large: ["problem_title_too_large", "problem_advice_too_large", "again"],
    erased: ["problem_title_erased", "problem_advice_erased", "again"],

    url_jobs_off: ["problem_title_url_jobs_off", "problem_advice_url_jobs_off", "again"],
    url_refused: ["problem_title_url_refused", "problem_advice_url_jobs_off", "again"],
    rate_limited: ["problem_title_rate_limited", "problem_advice_wait", null],
    tenant_queue_full: ["problem_title_queue_full", "problem_advice_wait", null],
    queue_full: ["problem_title_queue_full", "problem_advice_wait", null],
    tenant_jobs_per_day: ["problem_title_quota_used", "problem_advice_quota_used", null],
    tenant_storage_full: ["problem_title_storage_full", "problem_advice_storage_full", null],
    no_space: ["problem_title_storage_full", "problem_advice_wait", null],
    too_many_uploads: ["problem_title_queue_full", "problem_advice_wait", null],
    database_unavailable: ["problem_title_gateway_fault", "problem_advice_wait", null],
    store_unavailable: ["problem_title_gateway_fault", "problem_advice_wait", null],
    token_issuer_unavailable: ["problem_title_gateway_fault", "problem_advice_wait", null],
    internal_error: ["problem_title_gateway_fault", "problem_advice_wait", null],
    media_type_unsupported: ["problem_title_unsupported", "problem_advice_unsupported", null],
    media_type_mismatch: ["problem_title_unsupported", "problem_advice_unsupported", null],

    not_a_video: ["problem_title_not_a_video", "problem_advice_not_a_video", "again"],
    audio_only: ["problem_title_audio_only", "problem_advice_none", null],
    picture_only: ["problem_title_picture_only", "problem_advice_none", null],
    no_frames: ["problem_title_no_frames", "problem_advice_damaged", "again"],
    empty_range: ["problem_title_no_frames", "problem_advice_damaged", "again"],
    frame_times_mismatch: ["problem_title_reading_failed", "problem_advice_reading_failed", "again"],
    truncated: ["problem_title_damaged", "problem_advice_damaged", "again"],
    damaged: ["problem_title_damaged", "problem_advice_damaged", "again"],
    decoder_crashed: ["problem_title_damaged", "problem_advice_damaged", "again"],
    unsupported_codec: ["problem_title_unsupported", "problem_advice_unsupported", null],
    unsupported_container: ["problem_title_unsupported", "problem_advice_unsupported", null],
    dimensions_too_large: ["problem_title_dimensions_large", "problem_advice_none", null],
    dimensions_too_small: ["problem_title_dimensions_small", "problem_advice_none", null],
    too_long: ["problem_title_too_long", "problem_advice_none", null],
    decode_timeout: ["problem_title_too_long", "problem_advice_none", null],
    out_of_memory: ["problem_title_dimensions_large", "problem_advice_none", null],
    worker_lost: ["problem_title_gateway_fault", "problem_advice_fault_again", "again"],
    network_failed: ["problem_title_network_failed", "problem_advice_fault_again", "again"],
    upload_unreadable: ["problem_title_gateway_fault", "problem_advice_fault_again", "again"],
    decoder_killed: ["problem_title_gateway_fault", "problem_advice_fault_again", "again"],
};

/** @type {[string, string, ProblemAction]} */
const OTHER = ["problem_title_other", "problem_advice_other", "again"];

/**
 * @param {AnalysisProblem} problem
 * @returns {ProblemWords}
 */
export function problemWords({ code }) {
    const [title, advice, action] = Object.hasOwn(PROBLEMS, code) ? PROBLEMS[code] : OTHER;
    return { title: { key: title }, advice: { key: advice }, action };
}
