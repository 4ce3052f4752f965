// @ts-check
import { icon } from "../look/icons.js";
import { element } from "../look/nodes.js";
import { methodWords } from "../shared/state-words.js";
import { isReencoded } from "../shared/verdict-words.js";

/**
 * Where the verdict comes from: how the picture was read, which model judged it, which job it is.
 *
 * @typedef {import("../shared/types.js").Analysis} Analysis
 * @typedef {import("../shared/translate.js").Translator} Translator
 * @typedef {import("../shared/verdict-shape.js").Verdict} Verdict
 */

/**
 * @param {Analysis} analysis
 * @param {Verdict} verdict
 * @param {Translator} translator
 * @param {string} jobLink  empty where there is none
 */
export function factsView(analysis, verdict, translator, jobLink) {
    const text = (/** @type {string} */ key) => translator.text(key);
    const method = methodWords(analysis);
    const { model, video, sampling } = verdict;
    const shape = [video.codec, video.width > 0 ? translator.size(video.width, video.height) : "", translator.clock(video.durationSeconds)];
    /** @type {[string, (string | null)[]][]} */
    const rows = [
        ["panel_fact_method", [method && translator.say(method), isReencoded(analysis) ? text("method_reencoded") : null]],
        ["panel_fact_reused", [analysis.isReused || verdict.isReused ? text("panel_reused") : null]],
        ["panel_fact_model", [[model.name, model.version].filter(Boolean).join(" · ")]],
        ["panel_fact_trained", [text(model.isTrained ? "panel_trained_yes" : "panel_trained_no")]],
        ["panel_fact_region", [text(model.looksAtFaces ? "panel_region_face" : "panel_region_frame")]],
        ["panel_fact_video", [shape.filter(Boolean).join(" · ")]],
        ["panel_fact_sampling", [sampling.toleranceSeconds > 0
            ? translator.text("panel_sampling_tolerance", { count: sampling.count }, translator.number(sampling.toleranceSeconds, 2))
            : translator.counted({ one: "panel_sampling_one", other: "panel_sampling_other" }, sampling.count)]],
        ["panel_fact_ended", [analysis.endedAt ? translator.time(analysis.endedAt) : null]],
    ];
    return element("section", { class: "facts", "aria-labelledby": "facts-title" },
        element("h2", { id: "facts-title" }, text("panel_heading_facts")),
        element("dl", {}, ...rows.flatMap(([key, lines]) => fact(text(key), lines))),
        jobLink && element("p", {},
            element("a", { href: jobLink, target: "_blank", rel: "noreferrer", class: "job-link" }, text("panel_job_link"), icon("link"))));
}

/**
 * @param {string} name
 * @param {(string | null)[]} lines
 */
function fact(name, lines) {
    const said = lines.filter(Boolean);
    return said.length > 0 ? [element("dt", {}, name), ...said.map((line) => element("dd", {}, element("bdi", {}, line)))] : [];
}
