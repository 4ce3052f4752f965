// @ts-check
import { element } from "../look/nodes.js";
import { extensionVersion } from "../shared/browser.js";
import { htmlReport, jsonReport, reportFileName } from "../shared/report.js";
import { decidingTrack, readVerdict } from "../shared/verdict-shape.js";

/**
 * @typedef {import("../shared/types.js").Analysis} Analysis
 * @typedef {import("../shared/translate.js").Translator} Translator
 * @typedef {import("./pictures.js").Pictures} Pictures
 */

const REVOKE_AFTER_MILLISECONDS = 60_000;

/**
 * @param {Analysis} analysis
 * @param {string} jobLink
 */
export function saveJson(analysis, jobLink) {
    save(jsonReport(analysis, facts(jobLink)), "application/json", reportFileName(analysis, "json"));
}

/**
 * @param {Analysis} analysis
 * @param {string} jobLink
 * @param {Translator} translator
 * @param {Pictures} pictures
 * @returns {Promise<{missing: number}>}  pictures that could not be had
 */
export async function saveHtml(analysis, jobLink, translator, pictures) {
    const verdict = readVerdict(analysis.verdict);
    const frames = (verdict && decidingTrack(verdict)?.frames) ?? [];
    const links = frames.flatMap((frame) => [frame.image, frame.gradcam]).filter(Boolean);
    const fetched = await Promise.allSettled(links.map((link) => pictures.dataURL(link)));
    const inlined = new Map(links.flatMap((link, index) => {
        const result = fetched[index];
        return result.status === "fulfilled" ? [/** @type {[string, string]} */ ([link, result.value])] : [];
    }));
    save(htmlReport(analysis, translator, facts(jobLink), inlined), "text/html", reportFileName(analysis, "html"));
    return { missing: links.length - inlined.size };
}

/** @param {string} jobLink */
function facts(jobLink) {
    return { extensionVersion: extensionVersion(), writtenAt: Date.now(), jobLink };
}

/**
 * @param {string} text
 * @param {string} mediaType
 * @param {string} name
 */
function save(text, mediaType, name) {
    const url = URL.createObjectURL(new Blob([text], { type: `${mediaType};charset=utf-8` }));
    element("a", { href: url, download: name }).click();
    // The browser reads it after the click has returned.
    setTimeout(() => URL.revokeObjectURL(url), REVOKE_AFTER_MILLISECONDS);
}
