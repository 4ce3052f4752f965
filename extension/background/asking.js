// @ts-check
import { ProblemError } from "../shared/messages.js";
import { analysisOf, hasEnded, isLive, isSamePlace, newAnalysis } from "./analysis-facts.js";
import { Serial } from "./serial.js";
import { siteSetting } from "./sites.js";
import { placeOf } from "./tabs.js";

/**
 * New analyses: what somebody asks for, or a site's setting does, unless it is known or under way already.
 *
 * @typedef {import("../shared/types.js").Analysis} Analysis
 * @typedef {import("../shared/types.js").Settings} Settings
 * @typedef {import("../shared/types.js").VideoPlace} VideoPlace
 * @typedef {import("../shared/types.js").VideoSummary} VideoSummary
 * @typedef {import("./analyses.js").Analyses} Analyses
 * @typedef {import("./analyses.js").Clock} Clock
 * @typedef {import("./analysis-store.js").AnalysisStore} AnalysisStore
 * @typedef {import("./tabs.js").Frame} Frame
 * @typedef {import("./tabs.js").Tabs} Tabs
 */

const MAXIMUM_PENDING = 300;
/** A page that brings ever more videos does not fill the queue. */
const MAXIMUM_AUTOMATIC = 50;

export class Asking {
    #parts;
    #serial = new Serial();

    /** @param {{store: AnalysisStore, tabs: Tabs, queue: Analyses, clock: Clock, newId: () => string}} parts */
    constructor(parts) {
        this.#parts = parts;
    }

    /**
     * The analysis of a video: a new one, or one that does as well.
     * @param {VideoPlace} place
     * @param {{isAgain: boolean, isAutomatic: boolean, settings: Settings}} wish
     * @returns {Promise<Analysis>}
     * @throws {ProblemError}
     */
    async ask(place, wish) {
        const video = this.#parts.tabs.find(place);
        if (!video) throw new ProblemError({ code: "unknown_video", detail: "" });
        // Two clicks on one video, or on two copies of one file, are one question.
        return this.#serial.run("ask", () => this.#ask(place, video, wish));
    }

    /**
     * Asks anew for what an analysis was about.
     * @param {string} analysisId
     * @param {Settings} settings
     * @returns {Promise<Analysis>}
     * @throws {ProblemError}
     */
    async again(analysisId, settings) {
        const { store, tabs } = this.#parts;
        const earlier = store.get(analysisId);
        if (!earlier) throw new ProblemError({ code: "unknown_analysis", detail: "" });
        const shown = tabs.videos().filter(({ place, summary }) => analysisOf(place, summary, store.all())?.id === analysisId);
        const own = shown.find(({ place }) => isSamePlace(place, earlier.place)) ?? shown[0];
        if (own) return this.ask(own.place, { isAgain: true, isAutomatic: false, settings });
        return this.#serial.run("ask", () => this.#askWithoutPage(earlier));
    }

    /**
     * Asks for the videos of a frame where its site's setting does.
     * @param {Frame} frame
     * @param {Settings} settings
     */
    async askAutomatically(frame, settings) {
        if (settings.gatewayUrl === "" || siteSetting(settings, frame.pageOrigin).analysis !== "automatic") return;
        for (const { videoId, source } of frame.videos) {
            const isFull = this.#pending().filter((analysis) => analysis.isAutomatic).length >= MAXIMUM_AUTOMATIC;
            const place = placeOf(frame, videoId);
            const video = this.#parts.tabs.find(place);
            const isKnown = video === null || analysisOf(place, video.summary, this.#parts.store.all()) !== null;
            if (source.kind !== "none" && !isFull && !isKnown) await this.ask(place, { isAgain: false, isAutomatic: true, settings });
        }
    }

    /**
     * @param {VideoPlace} place
     * @param {{summary: VideoSummary, frame: Frame}} video
     * @param {{isAgain: boolean, isAutomatic: boolean, settings: Settings}} wish
     */
    async #ask(place, { summary, frame }, { isAgain, isAutomatic, settings }) {
        const { store, queue, clock, newId } = this.#parts;
        const known = analysisOf(place, summary, store.all());
        if (known && isGoodEnough(known, isAgain, settings)) {
            return (await queue.dispatch(known.id, { kind: "placed", place, isVisible: summary.isVisible })) ?? known;
        }
        this.#checkRoom();
        const page = { origin: frame.pageOrigin, title: frame.pageTitle };
        const video = { ...summary, isLive: isLive(summary) };
        const analysis = newAnalysis({ id: newId(), now: clock.now(), place, video, page, isAutomatic, isFresh: isAgain });
        await queue.add(analysis);
        return analysis;
    }

    /** @param {Analysis} earlier */
    async #askWithoutPage({ source, durationSeconds, isLive: hasNoEnd, pageOrigin, pageTitle }) {
        const { queue, clock, newId } = this.#parts;
        this.#checkRoom();
        const video = { source, durationSeconds, isLive: hasNoEnd, isVisible: false };
        const page = { origin: pageOrigin, title: pageTitle };
        const analysis = newAnalysis({ id: newId(), now: clock.now(), video, page, isAutomatic: false, isFresh: true });
        await queue.add(analysis);
        return analysis;
    }

    #checkRoom() {
        if (this.#pending().length < MAXIMUM_PENDING) return;
        throw new ProblemError({ code: "queue_full", detail: `${MAXIMUM_PENDING} videos wait already` });
    }

    #pending() {
        return [...this.#parts.store.all()].filter((analysis) => !hasEnded(analysis));
    }
}

/**
 * @param {Analysis} known
 * @param {boolean} isAgain
 * @param {Settings} settings
 */
function isGoodEnough(known, isAgain, { gatewayUrl }) {
    if (!hasEnded(known)) return true;
    return !isAgain && known.state === "succeeded" && known.gatewayUrl === gatewayUrl;
}
