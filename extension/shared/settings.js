// @ts-check
import * as ownBrowser from "./browser.js";
import { parseHttpUrl } from "./host-pattern.js";

/**
 * @typedef {import("./types.js").Settings} Settings
 * @typedef {import("./types.js").SiteSetting} SiteSetting
 * @typedef {Pick<typeof ownBrowser, "readStorage"|"writeStorage"|"withLock">} SettingsBrowser
 */

export const SETTINGS_KEY = "settings";
export const MAXIMUM_SITES = 500;
const MAXIMUM_URL_LENGTH = 2048;
const MAXIMUM_KEY_LENGTH = 512;

/** @type {Readonly<Settings>} */
export const DEFAULT_SETTINGS = Object.freeze({
    gatewayUrl: "",
    gatewayKey: "",
    dashboardUrl: "",
    sites: {},
    retentionDays: 30,
    parallelAnalyses: 2,
    frameCount: 32,
    allowsUrls: false,
    language: "",
});

/** @type {Readonly<Record<"retentionDays"|"parallelAnalyses"|"frameCount", readonly [number, number]>>} */
export const SETTING_RANGES = Object.freeze({ retentionDays: [1, 365], parallelAnalyses: [1, 8], frameCount: [16, 64] });

/**
 * Settings that can be relied on, whatever was stored: what is wrong gives way to its default.
 * @param {unknown} stored
 * @returns {Settings}
 */
export function checkedSettings(stored) {
    const raw = /** @type {Record<string, unknown>} */ (typeof stored === "object" && stored !== null ? stored : {});
    return {
        gatewayUrl: checkedUrl(raw.gatewayUrl),
        gatewayKey: checkedKey(raw.gatewayKey),
        dashboardUrl: checkedUrl(raw.dashboardUrl),
        sites: checkedSites(raw.sites),
        retentionDays: checkedNumber(raw.retentionDays, "retentionDays"),
        parallelAnalyses: checkedNumber(raw.parallelAnalyses, "parallelAnalyses"),
        frameCount: checkedNumber(raw.frameCount, "frameCount"),
        allowsUrls: raw.allowsUrls === true,
        language: typeof raw.language === "string" && /^[a-z]{2,3}(_[A-Z]{2})?$/.test(raw.language) ? raw.language : "",
    };
}

/**
 * An address as it is stored: scheme, host and path prefix, without a slash at its end.
 * @param {string} text  as a person wrote it
 * @returns {string | null}  null where it is no address of a gateway; empty for nothing
 */
export function normalizedUrl(text) {
    const trimmed = text.trim();
    if (trimmed === "") return "";
    if (trimmed.length > MAXIMUM_URL_LENGTH) return null;
    const url = parseHttpUrl(trimmed);
    if (!url || url.username || url.password || url.search || url.hash) return null;
    return url.origin + url.pathname.replace(/\/+$/, "");
}

/**
 * A key as it is stored.
 * @param {string} text
 * @returns {string | null}  null where it cannot stand in an Authorization header
 */
export function normalizedKey(text) {
    const trimmed = text.trim();
    return trimmed.length <= MAXIMUM_KEY_LENGTH && /^[!-~]*$/.test(trimmed) ? trimmed : null;
}

/**
 * @param {string} text
 * @returns {boolean}  whether it is an origin of the web, as browsers write it
 */
export function isWebOrigin(text) {
    return parseHttpUrl(text)?.origin === text;
}

/**
 * @param {SettingsBrowser} [browser]
 * @returns {Promise<Settings>}
 */
export async function loadSettings(browser = ownBrowser) {
    const stored = await browser.readStorage("local", SETTINGS_KEY);
    return checkedSettings(stored[SETTINGS_KEY]);
}

/**
 * Changes some settings and leaves the others as they are, whichever page or the service worker changes them at the same time.
 * @param {Partial<Settings> | ((settings: Settings) => Partial<Settings>)} change
 * @param {SettingsBrowser} [browser]
 * @returns {Promise<Settings>}  as they are now
 */
export async function changeSettings(change, browser = ownBrowser) {
    return browser.withLock(SETTINGS_KEY, async () => {
        const before = await loadSettings(browser);
        const changes = typeof change === "function" ? change(before) : change;
        const settings = checkedSettings({ ...before, ...changes });
        await browser.writeStorage("local", { [SETTINGS_KEY]: settings });
        return settings;
    });
}

/**
 * @param {string} origin
 * @param {SiteSetting | null} setting  null: none of its own
 * @param {SettingsBrowser} [browser]
 */
export async function setSite(origin, setting, browser = ownBrowser) {
    return changeSettings(({ sites }) => {
        const { [origin]: _, ...others } = sites;
        return { sites: setting ? { ...others, [origin]: setting } : others };
    }, browser);
}

/** @param {unknown} value */
function checkedUrl(value) {
    return (typeof value === "string" && normalizedUrl(value)) || "";
}

/** @param {unknown} value */
function checkedKey(value) {
    return (typeof value === "string" && normalizedKey(value)) || "";
}

/**
 * @param {unknown} value
 * @param {keyof typeof SETTING_RANGES} name
 */
function checkedNumber(value, name) {
    const [least, most] = SETTING_RANGES[name];
    const isGood = typeof value === "number" && Number.isInteger(value) && value >= least && value <= most;
    return isGood ? value : DEFAULT_SETTINGS[name];
}

/**
 * @param {unknown} value
 * @returns {Record<string, SiteSetting>}
 */
function checkedSites(value) {
    if (typeof value !== "object" || value === null) return {};
    const isObject = (/** @type {unknown} */ setting) => typeof setting === "object" && setting !== null;
    const good = Object.entries(value).filter(([origin, setting]) => isWebOrigin(origin) && isObject(setting));
    // The latest are kept: they stand last.
    return Object.fromEntries(good.slice(-MAXIMUM_SITES).map(([origin, setting]) => [origin, checkedSite(setting)]));
}

/**
 * @param {{analysis?: unknown, showsBadges?: unknown}} setting
 * @returns {SiteSetting}
 */
function checkedSite({ analysis, showsBadges }) {
    return { analysis: analysis === "automatic" ? "automatic" : "ask", showsBadges: showsBadges !== false };
}
