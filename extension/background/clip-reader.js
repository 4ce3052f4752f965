// @ts-check
import { hostPattern } from "../shared/host-pattern.js";
import { checkAccepted } from "../shared/messages.js";
import { fetchClip } from "./clip-fetch.js";
import { ClipPorts } from "./clip-ports.js";
import { ClipWriter, MAXIMUM_CLIP_BYTES } from "./clip-writer.js";
import { asReadingFailure, ReadingFailure } from "./reading-failure.js";
import { TabCapture } from "./tab-capture.js";

/**
 * The ways to a video's picture, in order.
 *
 * @typedef {import("../shared/types.js").Analysis} Analysis
 * @typedef {import("../shared/types.js").ReadingMethod} ReadingMethod
 * @typedef {import("../shared/types.js").Settings} Settings
 * @typedef {import("../shared/types.js").VideoPlace} VideoPlace
 * @typedef {import("../shared/browser.js").Port} Port
 * @typedef {import("./analysis-state.js").Clip} Clip
 * @typedef {import("./clip-store.js").Clips} Clips
 * @typedef {import("./tab-capture.js").CaptureBrowser & Pick<typeof import("../shared/browser.js"), "hasHosts">} ReaderBrowser
 *
 * @typedef {object} Reading
 * @property {AbortSignal} signal
 * @property {number} frameCount
 * @property {(progress: number) => void} onProgress
 */

const MAXIMUM_REQUESTS = 10;
const REQUEST_SPACING_MILLISECONDS = 1000;

export class ClipReader {
    #browser;
    #clips;
    #ports;
    #capture;

    /**
     * @param {object} parts
     * @param {ReaderBrowser} parts.browser
     * @param {Clips} parts.clips
     * @param {ClipPorts} [parts.ports]
     * @param {TabCapture} [parts.capture]
     */
    constructor({ browser, clips, ports = new ClipPorts({}), capture = new TabCapture(browser, {}) }) {
        this.#browser = browser;
        this.#clips = clips;
        this.#ports = ports;
        this.#capture = capture;
    }

    /** @param {Port} port  that a content script opened */
    takePort(port) {
        this.#ports.take(port);
    }

    /**
     * The ways that are open to an analysis now.
     * @param {Analysis} analysis
     * @param {Settings} settings
     * @returns {Promise<ReadingMethod[]>}
     */
    async ways({ source, isLive, place }, settings) {
        const isFile = source.kind === "http" && !isLive;
        /** @type {ReadingMethod[]} */
        const ways = [];
        if (isFile && (place || (await this.#mayFetch(source.url)))) ways.push("file");
        if (isFile && settings.allowsUrls) ways.push("url");
        if (place) ways.push("frames", "capture");
        return ways;
    }

    /**
     * Reads a video by the way that its analysis says, into the store.
     * @param {Analysis} analysis
     * @param {Reading} reading
     * @returns {Promise<Clip>}
     * @throws {ReadingFailure}
     */
    async read(analysis, reading) {
        switch (analysis.method) {
            case "file": return this.#readFile(analysis, reading);
            case "frames": return this.#readByPage(analysis, "frames", reading);
            case "capture": return this.#capture.read({ ...reading, place: placeOf(analysis), writer: this.#writer(analysis) });
            default: throw new ReadingFailure("reading_failed", `there is no way like ${analysis.method}`);
        }
    }

    /**
     * By our own fetch where we have the host's permission, else, or where that fails, by the page's.
     * @param {Analysis} analysis
     * @param {Reading} reading
     */
    async #readFile(analysis, reading) {
        const url = analysis.source.url ?? "";
        if (!(await this.#mayFetch(url))) return this.#readByPage(analysis, "file", reading);
        try {
            return await fetchClip(url, this.#writer(analysis), reading);
        } catch (error) {
            reading.signal.throwIfAborted();
            const failure = asReadingFailure(error);
            // The page would get the same too many bytes.
            if (!analysis.place || failure.problem.code === "too_large" || failure.problem.code === "storage_full") throw failure;
        }
        return this.#readByPage(analysis, "file", reading);
    }

    /**
     * @param {Analysis} analysis
     * @param {"file"|"frames"} method
     * @param {Reading} reading
     */
    async #readByPage(analysis, method, { signal, frameCount, onProgress }) {
        const place = placeOf(analysis);
        const receiver = this.#ports.expect(analysis.id, { place, writer: this.#writer(analysis), signal, onProgress });
        const what = { videoId: place.videoId, analysisId: analysis.id, method, frameCount, maximumBytes: MAXIMUM_CLIP_BYTES };
        this.#request(place, { type: "clip.read", ...what }).then((failure) => failure && receiver.fail(failure));
        try {
            return await receiver.clip;
        } catch (error) {
            this.#tell(place, { type: "clip.stop", analysisId: analysis.id });
            throw error;
        }
    }

    /**
     * Asks the content script to send a clip. One that is busy with the video, for an analysis that was just stopped perhaps, is asked
     * again.
     * @param {VideoPlace} place
     * @param {object} message
     * @returns {Promise<ReadingFailure | null>}  why it does not
     */
    async #request(place, message) {
        try {
            for (let attempt = 1; attempt <= MAXIMUM_REQUESTS; attempt += 1) {
                const { accepted } = checkAccepted(await this.#browser.sendToDocument(place, message), "answer");
                if (accepted) return null;
                const measure = await this.#browser.sendToDocument(place, { type: "video.measure", videoId: place.videoId });
                if (measure?.gone) return new ReadingFailure("page_gone", "the video is gone");
                await new Promise((resolve) => setTimeout(resolve, REQUEST_SPACING_MILLISECONDS));
            }
            return new ReadingFailure("reading_failed", "the video is being read already");
        } catch (error) {
            return new ReadingFailure("page_gone", error instanceof Error ? error.message : String(error));
        }
    }

    /**
     * Says something that a page which is gone need not hear.
     * @param {VideoPlace} place
     * @param {object} message
     */
    #tell(place, message) {
        this.#browser.sendToDocument(place, message).then(undefined, () => undefined);
    }

    /** @param {string | undefined} url */
    async #mayFetch(url) {
        const pattern = url ? hostPattern(url) : null;
        return pattern !== null && this.#browser.hasHosts([pattern]);
    }

    /** @param {Analysis} analysis */
    #writer({ id }) {
        return new ClipWriter(this.#clips, id);
    }
}

/** @param {Analysis} analysis */
function placeOf({ place }) {
    if (!place) throw new ReadingFailure("page_gone", "its page is gone");
    return place;
}
