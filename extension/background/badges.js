// @ts-check
import { badgeMenuWords } from "../shared/badge-menu-words.js";
import { badgeView } from "../shared/badge-words.js";
import { analysisOf } from "./analysis-facts.js";

/**
 * What the badges of all pages show, and who looks at them.
 *
 * @typedef {import("../shared/types.js").Analysis} Analysis
 * @typedef {import("../shared/types.js").BadgeView} BadgeView
 * @typedef {import("../shared/types.js").Settings} Settings
 * @typedef {import("../shared/types.js").VideoPlace} VideoPlace
 * @typedef {import("../shared/translate.js").Translator} Translator
 * @typedef {import("./analysis-store.js").AnalysisStore} AnalysisStore
 * @typedef {import("./diagnostics.js").Diagnostics} Diagnostics
 * @typedef {import("./tabs.js").Frame} Frame
 * @typedef {import("./tabs.js").Tabs} Tabs
 * @typedef {Pick<typeof import("../shared/browser.js"), "sendToDocument"|"isPageOpen"|"shownTabIds">} BadgesBrowser
 */

export class Badges {
    #browser;
    #store;
    #tabs;
    #diagnostics;
    #loadTranslator;
    /** @type {{language: string, translator: Promise<Translator>} | null} */
    #loaded = null;

    /**
     * @param {object} parts
     * @param {BadgesBrowser} parts.browser
     * @param {AnalysisStore} parts.store
     * @param {Tabs} parts.tabs
     * @param {Diagnostics} parts.diagnostics
     * @param {(language: string) => Promise<Translator>} parts.loadTranslator
     */
    constructor({ browser, store, tabs, diagnostics, loadTranslator }) {
        this.#browser = browser;
        this.#store = store;
        this.#tabs = tabs;
        this.#diagnostics = diagnostics;
        this.#loadTranslator = loadTranslator;
    }

    /**
     * What a frame's badges show.
     * @param {Frame} frame
     * @param {Settings} settings
     * @returns {Promise<{badges: {videoId: string, view: BadgeView}[], words: Record<string, string>}>}
     */
    async ofFrame(frame, settings) {
        const translator = await this.#translator(settings);
        const shown = this.#tabs.videos().filter(({ place }) => place.documentId === frame.documentId);
        const badges = shown.map(({ place, summary }) => ({
            videoId: place.videoId, view: badgeView(analysisOf(place, summary, this.#store.all()), translator),
        }));
        return { badges, words: badgeMenuWords(translator) };
    }

    /**
     * The videos that show an analysis.
     * @param {string} analysisId
     */
    placesOf(analysisId) {
        return this.#tabs.videos().filter(({ place, summary }) => analysisOf(place, summary, this.#store.all())?.id === analysisId);
    }

    /**
     * Shows an analysis' state wherever its video is.
     * @param {string} analysisId
     * @param {Settings} settings
     */
    async show(analysisId, settings) {
        const translator = await this.#translator(settings);
        await Promise.all(this.placesOf(analysisId).map(({ place }) => this.#showAt(place, translator)));
    }

    /**
     * Shows anew what all videos have, as after something was erased.
     * @param {Settings} settings
     */
    async showAll(settings) {
        const translator = await this.#translator(settings);
        await Promise.all(this.#tabs.videos().map(({ place }) => this.#showAt(place, translator)));
    }

    /**
     * Has every frame show its badges or hide them.
     * @param {(frame: Frame) => boolean} showsBadges
     */
    async setShown(showsBadges) {
        await Promise.all(this.#tabs.frames().map((frame) => this.#tell(frame, { type: "badges.show", showsBadges: showsBadges(frame) })));
    }

    /**
     * Who looks at what, now: a page of the extension may show any analysis, and a badge shows its own where it is in sight.
     * @returns {Promise<(analysis: Analysis) => boolean>}
     */
    async look() {
        if (await this.#browser.isPageOpen()) return () => true;
        const shownTabs = await this.#browser.shownTabIds();
        const inSight = this.#tabs.videos().filter(({ place, summary }) => summary.isVisible && shownTabs.includes(place.tabId));
        const watched = new Set(inSight.map(({ place, summary }) => analysisOf(place, summary, this.#store.all())?.id));
        return ({ id }) => watched.has(id);
    }

    /**
     * @param {VideoPlace} place
     * @param {Translator} translator
     */
    async #showAt(place, translator) {
        const video = this.#tabs.find(place);
        if (!video) return;
        const view = badgeView(analysisOf(place, video.summary, this.#store.all()), translator);
        await this.#tell(video.frame, { type: "badge.show", videoId: place.videoId, view });
    }

    /**
     * @param {Frame} frame
     * @param {object} message
     */
    async #tell(frame, message) {
        try {
            await this.#browser.sendToDocument(frame, message);
        } catch (error) {
            // The page is gone, or asleep: it tells of its videos when it is there again.
            this.#diagnostics.noteError("badge.not_shown", error, { tab: frame.tabId });
            await this.#tabs.forgetDocument(frame.documentId);
        }
    }

    /** @param {Settings} settings */
    #translator({ language }) {
        if (this.#loaded?.language !== language) this.#loaded = { language, translator: this.#loadTranslator(language) };
        return this.#loaded.translator;
    }
}
