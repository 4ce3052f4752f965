// @ts-check
/**
 * Who may send which message: the extension's own pages, and content scripts, each for its own document. Web pages reach nothing of this.
 *
 * @typedef {import("../shared/browser.js").Sender} Sender
 * @typedef {import("../shared/browser.js").Tab} Tab
 *
 * @typedef {object} ContentSender
 * @property {"content"} kind
 * @property {number} tabId
 * @property {number} frameId
 * @property {string} documentId
 * @property {string} pageOrigin  of the tab's page where the extension may see it, else the frame's own
 * @property {string} pageTitle
 */

/** A content script gathers its news; more than this comes from a page that makes it talk. */
const MESSAGES_PER_SECOND = 10;
const MESSAGES_AT_ONCE = 40;
const MAXIMUM_COUNTED = 1000;

/**
 * @param {Sender} sender
 * @param {{id: string, origin: string}} own  the extension's
 * @returns {{kind: "page"} | ContentSender | null}  null: nobody who may say anything
 */
export function identify(sender, own) {
    if (sender.id !== own.id) return null;
    if (sender.url?.startsWith(`${own.origin}/`)) return { kind: "page" };
    const { tab, frameId, documentId, documentLifecycle = "active" } = sender;
    if (tab?.id === undefined || frameId === undefined || documentId === undefined || documentLifecycle !== "active") return null;
    const pageOrigin = originOf(tab.url) ?? originOf(sender.origin) ?? "null";
    return { kind: "content", tabId: tab.id, frameId, documentId, pageOrigin, pageTitle: tab.title ?? "" };
}

/** Holds each document to a rate, which a page that changes without end would exceed. */
export class MessageRate {
    #elapsed;
    /** @type {Map<string, {left: number, at: number}>} */
    #buckets = new Map();

    /** @param {() => number} elapsed  milliseconds, by a clock that nobody sets */
    constructor(elapsed) {
        this.#elapsed = elapsed;
    }

    /**
     * @param {string} documentId
     * @returns {boolean}  whether one more may be heard
     */
    take(documentId) {
        const now = this.#elapsed();
        const bucket = this.#buckets.get(documentId) ?? { left: MESSAGES_AT_ONCE, at: now };
        const left = Math.min(MESSAGES_AT_ONCE, bucket.left + ((now - bucket.at) / 1000) * MESSAGES_PER_SECOND);
        // Taken out and put in again, the one that was silent for longest stands first.
        this.#buckets.delete(documentId);
        this.#buckets.set(documentId, { left: left >= 1 ? left - 1 : left, at: now });
        if (this.#buckets.size > MAXIMUM_COUNTED) this.#buckets.delete(this.#buckets.keys().next().value);
        return left >= 1;
    }
}

/** @param {string | undefined} address */
function originOf(address) {
    if (!address) return null;
    try {
        const { origin } = new URL(address);
        return origin === "null" ? null : origin;
    } catch {
        return null;
    }
}
