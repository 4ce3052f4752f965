// @ts-check
import { Refused } from "../shared/check.js";
import { checkContentMessage, checkPageMessage, ProblemError } from "../shared/messages.js";
import { checkedSettings, loadSettings, SETTINGS_KEY } from "../shared/settings.js";
import { Analyses } from "./analyses.js";
import { AnalysisStore } from "./analysis-store.js";
import { Asking } from "./asking.js";
import { Badges } from "./badges.js";
import { ClipReader } from "./clip-reader.js";
import { answerContent, leavePages, panelKey } from "./content-answers.js";
import { Diagnostics } from "./diagnostics.js";
import { answerPage } from "./page-answers.js";
import { identify, MessageRate } from "./sender.js";
import { siteSetting, syncSites } from "./sites.js";
import { Tabs } from "./tabs.js";
import { QUEUE_ALARM } from "./wake.js";
import { Works } from "./works.js";

/**
 * The parts of the service worker, put together, and what each event of the browser means to them.
 *
 * @typedef {import("../shared/types.js").AnalysisProblem} AnalysisProblem
 * @typedef {import("../shared/types.js").Settings} Settings
 * @typedef {import("../shared/browser.js").Port} Port
 * @typedef {import("../shared/browser.js").Sender} Sender
 * @typedef {import("../shared/browser.js").StorageChanges} StorageChanges
 * @typedef {import("../shared/translate.js").Translator} Translator
 * @typedef {import("./analyses.js").Clock} Clock
 * @typedef {import("./clip-store.js").Clips} Clips
 *
 * @typedef {Pick<typeof import("../shared/browser.js"), "extensionId"|"extensionOrigin"|"extensionVersion"|"readStorage"|"writeStorage"
 *   |"removeFromStorage"|"protectStorage"|"withLock"|"setAlarm"|"hasAlarm"|"clearAlarm"|"stayAwake"|"isPageOpen"|"shownTabIds"|"findTab"
 *   |"captureShownTab"|"openPanel"|"sendToDocument"|"runInFrames"|"injectFiles"|"registeredScripts"|"registerScript"|"unregisterScripts"
 *   |"hasHosts"|"grantedHosts">} Browser
 *
 * @typedef {object} World  all that lies outside
 * @property {Browser} browser
 * @property {Clips} clips
 * @property {Clock} clock
 * @property {() => number} random  0…1
 * @property {() => string} newId  a UUID
 * @property {(language: string) => Promise<Translator>} loadTranslator
 * @property {Readonly<import("./clip-sender.js").UploadBytes>} uploadBytes
 *
 * @typedef {object} Parts
 * @property {Browser} browser
 * @property {Clips} clips
 * @property {Diagnostics} diagnostics
 * @property {AnalysisStore} store
 * @property {Tabs} tabs
 * @property {ClipReader} reader
 * @property {Badges} badges
 * @property {Analyses} queue
 * @property {Asking} asking
 * @property {() => Promise<Settings>} settings
 */

export const PRUNE_ALARM = "prune";
const PRUNE_MINUTES = 24 * 60;

export class Machine {
    #world;
    #diagnostics;
    #rate;
    /** @type {Promise<Parts> | null} */
    #opening = null;

    /** @param {World} world */
    constructor(world) {
        this.#world = world;
        this.#diagnostics = new Diagnostics(world.browser, world.clock.now);
        this.#rate = new MessageRate(world.clock.elapsed);
    }

    /**
     * Takes up what is stored; once, however often it is called.
     * @returns {Promise<Parts>}
     */
    begin() {
        this.#opening ??= this.#open().catch((error) => {
            // The next event tries again.
            this.#opening = null;
            this.#diagnostics.noteError("machine.not_opened", error);
            throw error;
        });
        return this.#opening;
    }

    /**
     * Answers a message; never rejects.
     * @param {unknown} message
     * @param {Sender} sender
     * @returns {Promise<object>}
     */
    async answer(message, sender) {
        const { browser } = this.#world;
        try {
            const who = identify(sender, { id: browser.extensionId(), origin: browser.extensionOrigin() });
            if (who?.kind === "page") {
                const checked = checkPageMessage(message);
                return await answerPage(await this.begin(), checked);
            }
            if (!who) throw new ProblemError({ code: "message_refused", detail: "" });
            if (!this.#rate.take(who.documentId)) throw new ProblemError({ code: "message_refused", detail: "too many messages" });
            const checked = checkContentMessage(message);
            // Before anything is awaited: afterwards the browser takes it for no answer to the click any more.
            if (checked.type === "panel.open") this.#attempt("panel.not_opened", browser.openPanel(who.tabId));
            return await answerContent(await this.begin(), checked, who);
        } catch (error) {
            this.#diagnostics.noteError("message.failed", error, { type: typeOf(message) });
            return { problem: problemOf(error) };
        }
    }

    /** @param {Port} port */
    connect(port) {
        this.#handle("connect", async ({ reader }) => reader.takePort(port));
    }

    /** @param {string} name */
    alarm(name) {
        this.#handle("alarm", async (parts) => {
            if (name === QUEUE_ALARM) parts.queue.tick();
            if (name === PRUNE_ALARM) await this.#prune(parts);
        });
    }

    /** @param {number} tabId */
    tabRemoved(tabId) {
        this.#handle("tab.removed", async (parts) => {
            await leavePages(parts, (place) => place.tabId === tabId);
            await parts.tabs.forgetTab(tabId);
            await parts.browser.removeFromStorage("session", panelKey(tabId));
        });
    }

    hostsChanged() {
        this.#handle("hosts.changed", async ({ browser, queue, settings }) => {
            await syncSites(browser, await settings());
            await queue.release();
        });
    }

    online() {
        this.#handle("online", async ({ queue }) => queue.reconnect());
    }

    /**
     * @param {StorageChanges} changes
     * @param {string} area
     */
    storageChanged(changes, area) {
        const change = area === "local" ? changes[SETTINGS_KEY] : undefined;
        if (!change) return;
        const before = checkedSettings(change.oldValue);
        const after = checkedSettings(change.newValue);
        this.#handle("settings.changed", async (parts) => {
            const { browser, queue, badges } = parts;
            if (before.gatewayUrl !== after.gatewayUrl || before.gatewayKey !== after.gatewayKey) await queue.release();
            if (before.language !== after.language) await badges.showAll(after);
            if (before.retentionDays !== after.retentionDays) await this.#prune(parts);
            if (JSON.stringify(before.sites) !== JSON.stringify(after.sites)) {
                await syncSites(browser, after);
                await badges.setShown(({ pageOrigin }) => siteSetting(after, pageOrigin).showsBadges);
            }
            queue.tick();
        });
    }

    /** @returns {Promise<Parts>} */
    async #open() {
        const { browser, clips, clock, random, newId, loadTranslator, uploadBytes } = this.#world;
        const diagnostics = this.#diagnostics;
        await browser.protectStorage();
        const [store, tabs] = await Promise.all([AnalysisStore.open(browser, diagnostics), Tabs.open(browser, diagnostics)]);
        const settings = () => loadSettings(browser);
        const reader = new ClipReader({ browser, clips });
        const badges = new Badges({ browser, store, tabs, diagnostics, loadTranslator });
        const works = new Works({ browser, store, reader, clips, elapsed: clock.elapsed, uploadBytes });
        const queue = new Analyses({
            browser, clock, random, store, reader, clips, works, diagnostics,
            look: () => badges.look(),
            onChanged: ({ id }) => this.#attempt("badge.failed", settings().then((current) => badges.show(id, current))),
        });
        const asking = new Asking({ store, tabs, queue, clock, newId });
        const parts = { browser, clips, diagnostics, store, tabs, reader, badges, queue, asking, settings };
        // After a restart of the browser no page of before is left.
        await leavePages(parts, (place) => !tabs.hasDocument(place)).catch((error) => diagnostics.noteError("pages.not_left", error));
        await queue.begin();
        this.#attempt("upkeep.failed", this.#keepUp(parts));
        return parts;
    }

    /** @param {Parts} parts */
    async #keepUp(parts) {
        const { browser, settings } = parts;
        await syncSites(browser, await settings());
        if (await browser.hasAlarm(PRUNE_ALARM)) return;
        await browser.setAlarm(PRUNE_ALARM, { delayMinutes: PRUNE_MINUTES, periodMinutes: PRUNE_MINUTES });
        await this.#prune(parts);
    }

    /** @param {Parts} parts */
    async #prune({ store, badges, settings }) {
        const current = await settings();
        await store.prune(current.retentionDays, this.#world.clock.now());
        await badges.showAll(current);
    }

    /**
     * @param {string} event
     * @param {(parts: Parts) => Promise<void>} task
     */
    #handle(event, task) {
        this.#attempt(`${event}.failed`, this.begin().then(task));
    }

    /**
     * @param {string} event  that is noted where it fails
     * @param {Promise<unknown>} task
     */
    #attempt(event, task) {
        task.catch((error) => this.#diagnostics.noteError(event, error));
    }
}

/**
 * @param {unknown} error
 * @returns {AnalysisProblem}
 */
function problemOf(error) {
    if (error instanceof ProblemError) return error.problem;
    const detail = error instanceof Error ? error.message : String(error);
    if (error instanceof Refused) return { code: "message_refused", detail };
    return { code: /quota/i.test(detail) ? "storage_full" : "internal_error", detail };
}

/** @param {unknown} message */
function typeOf(message) {
    const type = /** @type {any} */ (message)?.type;
    return typeof type === "string" ? type.slice(0, 64) : "";
}
