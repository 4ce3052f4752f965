// @ts-check
import { setSite } from "../shared/settings.js";
import { analysisOf, hasEnded, isSamePlace } from "./analysis-facts.js";
import { siteSetting } from "./sites.js";
import { placeOf } from "./tabs.js";

/**
 * Answers to content scripts.
 *
 * @typedef {import("../shared/messages.js").ContentMessage} ContentMessage
 * @typedef {import("../shared/types.js").VideoPlace} VideoPlace
 * @typedef {import("../shared/types.js").VideoSummary} VideoSummary
 * @typedef {import("./machine.js").Parts} Parts
 * @typedef {import("./sender.js").ContentSender} ContentSender
 * @typedef {import("./tabs.js").Frame} Frame
 */

/**
 * @param {Parts} parts
 * @param {ContentMessage} message
 * @param {ContentSender} sender
 * @returns {Promise<object>}
 */
export async function answerContent(parts, message, sender) {
    switch (message.type) {
        case "videos.found": return takeVideos(parts, message.videos, sender);
        case "analysis.ask": return ask(parts, placeOf(sender, message.videoId), message.again);
        case "analysis.cancel": return cancel(parts, placeOf(sender, message.videoId));
        case "panel.open": return showInPanel(parts, placeOf(sender, message.videoId));
        case "badges.hide": return hideBadges(parts, sender);
    }
}

/**
 * @param {Parts} parts
 * @param {VideoSummary[]} videos
 * @param {ContentSender} sender
 */
async function takeVideos(parts, videos, sender) {
    const { tabs, asking, badges, queue } = parts;
    const settings = await parts.settings();
    const earlier = tabs.framesOf(sender.tabId).find(({ frameId }) => frameId === sender.frameId);
    const { tabId, frameId, documentId, pageOrigin, pageTitle } = sender;
    const frame = await tabs.report({ tabId, frameId, documentId, pageOrigin, pageTitle: pageTitle.slice(0, 200), videos });
    if (earlier && earlier.documentId !== documentId) await leavePages(parts, (place) => place.documentId === earlier.documentId);
    await placePending(parts, frame);
    await asking.askAutomatically(frame, settings);
    queue.tick();
    return { ...(await badges.ofFrame(frame, settings)), showsBadges: siteSetting(settings, pageOrigin).showsBadges };
}

/**
 * Tells analyses whose pages are gone.
 * @param {Parts} parts
 * @param {(place: VideoPlace) => boolean} isGone
 */
export async function leavePages({ store, queue }, isGone) {
    for (const { id, place } of [...store.all()]) {
        if (place && isGone(place)) await queue.dispatch(id, { kind: "pageGone" });
    }
}

/**
 * What is still on its way learns where its video is now, and whether it is in sight.
 * @param {Parts} parts
 * @param {Frame} frame
 */
async function placePending({ store, queue }, frame) {
    for (const summary of frame.videos) {
        const place = placeOf(frame, summary.videoId);
        const analysis = analysisOf(place, summary, store.all());
        if (analysis && !hasEnded(analysis)) await queue.dispatch(analysis.id, { kind: "placed", place, isVisible: summary.isVisible });
    }
}

/**
 * @param {Parts} parts
 * @param {VideoPlace} place
 * @param {boolean} isAgain
 */
async function ask(parts, place, isAgain) {
    const analysis = await parts.asking.ask(place, { isAgain, isAutomatic: false, settings: await parts.settings() });
    await followInPanel(parts, place, analysis.id);
    return {};
}

/**
 * @param {Parts} parts
 * @param {VideoPlace} place
 */
async function cancel({ tabs, store, queue }, place) {
    const video = tabs.find(place);
    const analysis = video ? analysisOf(place, video.summary, store.all()) : null;
    if (analysis) await queue.dispatch(analysis.id, { kind: "stopped" });
    return {};
}

/**
 * @param {Parts} parts
 * @param {VideoPlace} place
 */
async function showInPanel({ browser, tabs, store }, place) {
    const video = tabs.find(place);
    const analysis = video ? analysisOf(place, video.summary, store.all()) : null;
    await browser.writeStorage("session", { [panelKey(place.tabId)]: analysis ? analysis.id : { place } });
    return {};
}

/**
 * A panel that shows a video goes on to its new analysis.
 * @param {Parts} parts
 * @param {VideoPlace} place
 * @param {string} analysisId
 */
export async function followInPanel({ browser, store }, place, analysisId) {
    const key = panelKey(place.tabId);
    const { [key]: shown } = await browser.readStorage("session", key);
    if (shown === undefined || shown === analysisId) return;
    const shownPlace = typeof shown === "string" ? store.get(shown)?.place : shown.place;
    if (isSamePlace(shownPlace, place)) await browser.writeStorage("session", { [key]: analysisId });
}

/** @param {number} tabId */
export function panelKey(tabId) {
    return `panel:${tabId}`;
}

/**
 * @param {Parts} parts
 * @param {ContentSender} sender
 */
async function hideBadges(parts, { pageOrigin }) {
    const { analysis } = siteSetting(await parts.settings(), pageOrigin);
    await setSite(pageOrigin, { analysis, showsBadges: false }, parts.browser);
    return {};
}
