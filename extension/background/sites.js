// @ts-check
import { CONTENT_FILES } from "../shared/content-files.js";
import { hostPattern } from "../shared/host-pattern.js";

/**
 * Content scripts of allowed sites, which run there unasked; and those that a click brings into one tab.
 *
 * @typedef {import("../shared/types.js").Settings} Settings
 * @typedef {import("../shared/types.js").SiteSetting} SiteSetting
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
 * Brings the content scripts into those frames of a tab that have none yet; the others tell of their videos anew.
 * @param {SitesBrowser} browser
 * @param {number} tabId
 * @returns {Promise<{documentIds: string[], injected: string[]}>}  of all frames that may be entered; of those that were
 * @throws where the browser lets no extension into the page
 */
export async function enterTab(browser, tabId) {
    const frames = await browser.runInFrames(tabId, beginAgain);
    const injected = frames.filter(({ result }) => result !== true).map(({ documentId }) => documentId);
    if (injected.length > 0) await browser.injectFiles(tabId, injected, [...CONTENT_FILES]);
    return { documentIds: frames.map(({ documentId }) => documentId), injected };
}

/** Runs in a page, alone: whether the content scripts are there. */
function beginAgain() {
    const { whorl } = /** @type {any} */ (globalThis);
    if (typeof whorl?.begin !== "function") return false;
    whorl.begin();
    return true;
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
        if (pattern && hasUse && (await browser.hasHosts([pattern]))) scripts.push({ id: SCRIPT_PREFIX + origin, matches: [pattern], js: [...CONTENT_FILES] });
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
