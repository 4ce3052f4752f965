// @ts-check
import { CONTENT_FILES } from "../shared/content-files.js";
import { hostPattern } from "../shared/host-pattern.js";

/**
 * Content scripts of allowed sites, which run there unasked; and those that a click brings into one tab.
 *
 * @typedef {import("../shared/types.js").Settings} Settings
 * @typedef {import("../shared/types.js").SiteSetting} SiteSetting
 * @typedef {import("../shared/browser.js").FrameResult} FrameResult
 * @typedef {import("../shared/browser.js").RegisteredScript} RegisteredScript
 * @typedef {Pick<typeof import("../shared/browser.js"),
 *   "registeredScripts"|"registerScript"|"unregisterScripts"|"hasHosts"|"runInFrames"|"injectFiles">} SitesBrowser
 */

/** @type {Readonly<SiteSetting>} */
const UNSET = Object.freeze({ analysis: "ask", showsBadges: true });
const SCRIPT_PREFIX = "site:";

/**
 * @param {Settings} settings
 * @param {string} origin
 * @returns {SiteSetting}
 */
export function siteSetting({ sites }, origin) {
    return Object.hasOwn(sites, origin) ? sites[origin] : UNSET;
}

/**
 * Registers the content scripts of the sites that are allowed, and of no others.
 * @param {SitesBrowser} browser
 * @param {Settings} settings
 */
export async function syncSites(browser, settings) {
    const wanted = await wantedScripts(browser, settings);
    const present = (await browser.registeredScripts()).filter(({ id }) => id.startsWith(SCRIPT_PREFIX));
    const stale = present.filter((script) => !wanted.some((each) => isSameScript(each, script)));
    if (stale.length > 0) await browser.unregisterScripts(stale.map(({ id }) => id));
    const missing = wanted.filter((script) => !present.some((each) => isSameScript(each, script)));
    for (const script of missing) await browser.registerScript(script);
}

/**
 * Brings the content scripts into those frames of a tab that have none yet. Others that are not known (any more) tell of their videos anew.
 * @param {SitesBrowser} browser
 * @param {number} tabId
 * @param {(documentId: string) => boolean} isKnown
 * @returns {Promise<{documentIds: string[], silent: string[]}>}  of all frames that may be entered; of those that are about to tell
 * @throws where the browser lets no extension into the page
 */
export async function enterTab(browser, tabId, isKnown) {
    const frames = await browser.runInFrames(tabId, hasContentScripts);
    const documentsOf = (/** @type {FrameResult[]} */ some) => some.map(({ documentId }) => documentId);
    const strange = documentsOf(frames.filter(({ result }) => result !== true));
    const forgotten = documentsOf(frames.filter(({ result, documentId }) => result === true && !isKnown(documentId)));
    if (strange.length > 0) await browser.injectFiles(tabId, strange, [...CONTENT_FILES]);
    if (forgotten.length > 0) await browser.runInFrames(tabId, beginAgain, forgotten);
    return { documentIds: documentsOf(frames), silent: [...strange, ...forgotten] };
}

/** Runs in a page, alone. */
function hasContentScripts() {
    return typeof (/** @type {any} */ (globalThis).whorl?.begin) === "function";
}

/** Runs in a page, alone. */
function beginAgain() {
    /** @type {any} */ (globalThis).whorl.begin();
}

/**
 * @param {SitesBrowser} browser
 * @param {Settings} settings
 * @returns {Promise<RegisteredScript[]>}
 */
async function wantedScripts(browser, { sites }) {
    /** @type {RegisteredScript[]} */
    const scripts = [];
    for (const [origin, setting] of Object.entries(sites)) {
        const pattern = hostPattern(origin);
        const hasUse = setting.showsBadges || setting.analysis === "automatic";
        if (!pattern || !hasUse || !(await browser.hasHosts([pattern]))) continue;
        scripts.push({ id: SCRIPT_PREFIX + origin, matches: [pattern], js: [...CONTENT_FILES] });
    }
    return scripts;
}

/**
 * @param {RegisteredScript} one
 * @param {RegisteredScript} other
 */
function isSameScript(one, other) {
    return one.id === other.id && String(one.matches) === String(other.matches) && String(one.js) === String(other.js);
}
