// @ts-check
import { GatewayError } from "../shared/gateway-client.js";
import { checkDone, ProblemError } from "../shared/messages.js";
import { setSite } from "../shared/settings.js";
import { within } from "../shared/time-limit.js";
import { analysisOf } from "./analysis-facts.js";
import { checkConnection } from "./connection.js";
import { followInPanel, leavePages } from "./content-answers.js";
import { enterTab } from "./sites.js";

/**
 * Answers to the extension's own pages.
 *
 * @typedef {import("../shared/messages.js").PageMessage} PageMessage
 * @typedef {import("../shared/types.js").Analysis} Analysis
 * @typedef {import("../shared/types.js").VideoPlace} VideoPlace
 * @typedef {import("./machine.js").Parts} Parts
 */

/** The content scripts of a tab tell of its videos as soon as they are there. */
const LONGEST_HEARING_MILLISECONDS = 1000;
const LONGEST_ENTRY_MILLISECONDS = 2000;

/**
 * @param {Parts} parts
 * @param {PageMessage} message
 * @returns {Promise<object>}
 */
export async function answerPage(parts, message) {
    switch (message.type) {
        case "tab.videos": return videosOfTab(parts, message.tabId);
        case "video.ask": return ask(parts, message.place, message.again);
        case "analysis.get": return get(parts, message.analysisId);
        case "analysis.stop": return stop(parts, message.analysisId);
        case "analysis.again": return again(parts, message.analysisId);
        case "analysis.erase": return erase(parts, message.analysisId);
        case "analyses.list": return list(parts, message.limit);
        case "analysis.seek": return seek(parts, message.analysisId, message.seconds);
        case "connection.check": return connection(parts, message);
        case "site.set": return changeSite(parts, message.origin, message.setting);
        case "everything.forget": return forgetEverything(parts);
        case "diagnostics": return { text: await diagnosticsText(parts) };
    }
}

/**
 * @param {Parts} parts
 * @param {number} tabId
 */
async function videosOfTab(parts, tabId) {
    const { tabs, store, queue, diagnostics } = parts;
    queue.hurry();
    try {
        // A page that loads for long lets nobody in before; what it shows is told when it does.
        await within(LONGEST_ENTRY_MILLISECONDS, enter(parts, tabId));
    } catch (error) {
        diagnostics.noteError("tab.not_entered", error);
        return { videos: [], problem: { code: "page_refused", detail: error instanceof Error ? error.message : String(error) } };
    }
    const videos = tabs.videos().filter(({ place }) => place.tabId === tabId);
    return { videos: videos.map(({ place, summary }) => ({ place, summary, analysis: analysisOf(place, summary, store.all()) })) };
}

/**
 * Brings the content scripts into a tab, and hears what they tell.
 * @param {Parts} parts
 * @param {number} tabId
 */
async function enter(parts, tabId) {
    const { browser, tabs } = parts;
    const isKnown = (/** @type {string} */ id) => tabs.framesOf(tabId).some(({ documentId }) => documentId === id);
    const { documentIds, silent } = await enterTab(browser, tabId, isKnown);
    await tabs.keepDocuments(tabId, documentIds);
    await leavePages(parts, (place) => place.tabId === tabId && !documentIds.includes(place.documentId));
    await tabs.hear(silent, LONGEST_HEARING_MILLISECONDS);
}

/**
 * @param {Parts} parts
 * @param {VideoPlace} place
 * @param {boolean} isAgain
 */
async function ask(parts, place, isAgain) {
    const { id } = await parts.asking.ask(place, { isAgain, isAutomatic: false, settings: await parts.settings() });
    await followInPanel(parts, place, id);
    return { analysisId: id };
}

/**
 * @param {Parts} parts
 * @param {string} analysisId
 */
async function get({ store, queue }, analysisId) {
    queue.hurry();
    return { analysis: store.get(analysisId) };
}

/**
 * @param {Parts} parts
 * @param {string} analysisId
 */
async function stop(parts, analysisId) {
    known(parts, analysisId);
    await parts.queue.dispatch(analysisId, { kind: "stopped" });
    return {};
}

/**
 * @param {Parts} parts
 * @param {string} analysisId
 */
async function again(parts, analysisId) {
    const { id, place } = await parts.asking.again(analysisId, await parts.settings());
    if (place) await followInPanel(parts, place, id);
    return { analysisId: id };
}

/**
 * @param {Parts} parts
 * @param {string} analysisId
 */
async function erase(parts, analysisId) {
    known(parts, analysisId);
    try {
        await parts.queue.erase(analysisId);
    } catch (error) {
        if (error instanceof GatewayError) throw new ProblemError(error.problem);
        throw error;
    }
    await parts.badges.showAll(await parts.settings());
    return {};
}

/**
 * @param {Parts} parts
 * @param {number} limit
 */
async function list({ store, queue }, limit) {
    queue.hurry();
    return { analyses: store.newestFirst().slice(0, limit) };
}

/**
 * Brings a video that shows an analysis to a time, one in front of the others.
 * @param {Parts} parts
 * @param {string} analysisId
 * @param {number} seconds
 */
async function seek({ browser, badges }, analysisId, seconds) {
    const shownTabs = await browser.shownTabIds();
    const places = badges.placesOf(analysisId).map(({ place }) => place);
    const place = places.find(({ tabId }) => shownTabs.includes(tabId)) ?? places[0];
    if (!place) return { done: false };
    try {
        return checkDone(await browser.sendToDocument(place, { type: "video.seek", videoId: place.videoId, seconds }), "answer");
    } catch (error) {
        throw new ProblemError({ code: "page_gone", detail: error instanceof Error ? error.message : String(error) });
    }
}

/**
 * @param {Parts} parts
 * @param {{gatewayUrl?: string, gatewayKey?: string}} connection
 */
async function connection(parts, { gatewayUrl, gatewayKey }) {
    const settings = await parts.settings();
    const asked = { url: gatewayUrl ?? settings.gatewayUrl, key: gatewayKey ?? settings.gatewayKey };
    const checked = await checkConnection(parts.browser, asked);
    const isStored = gatewayUrl === undefined && gatewayKey === undefined;
    if (isStored && (checked.status === "ok" || checked.status === "degraded")) await parts.queue.release();
    return checked;
}

/**
 * @param {Parts} parts
 * @param {string} origin
 * @param {import("../shared/types.js").SiteSetting | null} setting
 */
async function changeSite({ browser }, origin, setting) {
    await setSite(origin, setting, browser);
    return {};
}

/** @param {Parts} parts */
async function forgetEverything({ browser, store, queue, clips, badges, settings }) {
    await queue.forget([...store.all()].map(({ id }) => id));
    for (const id of await clips.ids()) await clips.forget(id);
    await browser.removeFromStorage("local", Object.keys(await browser.readStorage("local", null)));
    const session = Object.keys(await browser.readStorage("session", null));
    // What the open tabs show stays known: they do not tell it again unasked.
    await browser.removeFromStorage("session", session.filter((key) => !key.startsWith("frame:")));
    await badges.showAll(await settings());
    return {};
}

/** @param {Parts} parts */
async function diagnosticsText({ browser, store, tabs, diagnostics, settings }) {
    const { gatewayKey, sites, ...others } = await settings();
    const states = [...store.all()].map(({ state }) => state);
    const counts = Object.fromEntries([...new Set(states)].sort().map((state) => [state, states.filter((each) => each === state).length]));
    const entries = await diagnostics.entries();
    const events = entries.map(({ at, event, facts }) => `${new Date(at).toISOString()} ${event} ${JSON.stringify(facts)}`);
    return [
        `Whorl ${browser.extensionVersion()}`,
        globalThis.navigator?.userAgent ?? "",
        `settings ${JSON.stringify({ ...others, hasKey: gatewayKey !== "", sites: Object.keys(sites).length })}`,
        `analyses ${JSON.stringify(counts)}`,
        `frames ${tabs.frames().length}, videos ${tabs.videos().length}, allowed hosts ${(await browser.grantedHosts()).length}`,
        ...events,
    ].join("\n");
}

/**
 * @param {Parts} parts
 * @param {string} analysisId
 * @returns {Analysis}
 */
function known({ store }, analysisId) {
    const analysis = store.get(analysisId);
    if (!analysis) throw new ProblemError({ code: "unknown_analysis", detail: "" });
    return analysis;
}
