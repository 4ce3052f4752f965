// @ts-check
import { checkMeasure, MAXIMUM_FRAMES } from "../shared/messages.js";
import { MOTION_JPEG } from "./clip-type.js";
import { cropOf, isStill } from "./crop.js";
import { ReadingFailure } from "./reading-failure.js";
import { Serial } from "./serial.js";

/**
 * Pictures of the visible tab, cropped to the video: for players whose frames cannot be read otherwise.
 *
 * @typedef {import("../shared/types.js").VideoPlace} VideoPlace
 * @typedef {import("../shared/messages.js").Measure} Measure
 * @typedef {import("./analysis-state.js").Clip} Clip
 * @typedef {import("./clip-writer.js").ClipWriter} ClipWriter
 * @typedef {Pick<typeof import("../shared/browser.js"), "sendToDocument"|"findTab"|"captureShownTab">} CaptureBrowser
 *
 * @typedef {object} Capture
 * @property {VideoPlace} place
 * @property {number} frameCount
 * @property {ClipWriter} writer
 * @property {AbortSignal} signal
 * @property {(progress: number) => void} onProgress
 *
 * @typedef {{jpeg: Uint8Array, seconds: number, isBlack: boolean}} Picture
 */

/** The browser allows two captures a second. */
const SPACING_MILLISECONDS = 550;
const LONGEST_MILLISECONDS = 20_000;
const FEWEST_FRAMES = 8;
const JPEG_QUALITY = 0.92;
const SMALL_SIDE_PIXELS = 32;
/** Of luma, 0…255: a picture with less spread shows nothing. */
const BLACK_SPREAD = 6;
const LEAST_STEP_SECONDS = 0.05;

export class TabCapture {
    #browser;
    #spacingMilliseconds;
    #longestMilliseconds;
    /** Two at once would capture more often than the browser allows. */
    #serial = new Serial();

    /**
     * @param {CaptureBrowser} browser
     * @param {{spacingMilliseconds?: number, longestMilliseconds?: number}} pace
     */
    constructor(browser, { spacingMilliseconds = SPACING_MILLISECONDS, longestMilliseconds = LONGEST_MILLISECONDS }) {
        this.#browser = browser;
        this.#spacingMilliseconds = spacingMilliseconds;
        this.#longestMilliseconds = longestMilliseconds;
    }

    /**
     * @param {Capture} capture
     * @returns {Promise<Clip>}
     * @throws {ReadingFailure}
     */
    async read(capture) {
        return this.#serial.run("capture", () => this.#read(capture));
    }

    /**
     * @param {Capture} capture
     * @returns {Promise<Clip>}
     */
    async #read({ place, frameCount, writer, signal, onProgress }) {
        signal.throwIfAborted();
        await writer.begin();
        /** @type {Picture[]} */
        const pictures = [];
        const reasons = new Set();
        const wanted = Math.min(frameCount, MAXIMUM_FRAMES);
        const end = performance.now() + this.#longestMilliseconds;
        while (pictures.length < wanted && performance.now() < end) {
            signal.throwIfAborted();
            const shot = await this.#shoot(place, pictures);
            if ("reason" in shot) reasons.add(shot.reason);
            else pictures.push(shot);
            onProgress(pictures.length / wanted);
            // Out of step with a short clip that begins anew again and again.
            await pause(this.#spacingMilliseconds * (1 + Math.random() / 4));
        }
        if (pictures.length < FEWEST_FRAMES) {
            throw new ReadingFailure(tooFewCode(reasons), `only ${pictures.length} pictures came`);
        }
        if (pictures.every(({ isBlack }) => isBlack)) throw new ReadingFailure("black", "all pictures are black");
        // A clip that begins anew meanwhile has been seen out of its order.
        pictures.sort((one, other) => one.seconds - other.seconds);
        for (const { jpeg } of pictures) await writer.write(jpeg);
        return { ...(await writer.finish(MOTION_JPEG)), frameTimesSeconds: pictures.map(({ seconds }) => seconds) };
    }

    /**
     * @param {VideoPlace} place
     * @param {Picture[]} known  moments that are not wanted again
     * @returns {Promise<Picture | {reason: string}>}
     */
    async #shoot(place, known) {
        const before = await this.#measure(place);
        if (!before.isTop) throw new ReadingFailure("tainted", "it is in a frame whose place in the tab cannot be known");
        if (before.isPaused) return { reason: "paused" };
        const windowId = await this.#shownWindow(place.tabId);
        if (windowId === null) return { reason: "not_visible" };
        const url = await this.#capture(windowId);
        const after = await this.#measure(place);
        // What was captured must be this tab, and the video where it was measured.
        if ((await this.#shownWindow(place.tabId)) !== windowId || !isStill(before, after)) return { reason: "not_visible" };
        // Between the two it began anew, and the picture is of one or the other.
        if (after.currentTimeSeconds < before.currentTimeSeconds) return { reason: "restarted" };
        const seconds = (before.currentTimeSeconds + after.currentTimeSeconds) / 2;
        if (known.some((picture) => Math.abs(picture.seconds - seconds) < LEAST_STEP_SECONDS)) return { reason: "paused" };
        const picture = await cropped(url, after);
        return picture ? { ...picture, seconds } : { reason: "not_visible" };
    }

    /** @param {VideoPlace} place */
    async #measure(place) {
        let answer;
        try {
            answer = await this.#browser.sendToDocument(place, { type: "video.measure", videoId: place.videoId });
        } catch (error) {
            throw new ReadingFailure("page_gone", String(error));
        }
        const measure = checkMeasure(answer);
        if (!measure) throw new ReadingFailure("page_gone", "the video is gone");
        return measure;
    }

    /** @param {number} tabId */
    async #shownWindow(tabId) {
        const tab = await this.#browser.findTab(tabId);
        return tab?.active ? tab.windowId : null;
    }

    /** @param {number} windowId */
    async #capture(windowId) {
        try {
            return await this.#browser.captureShownTab(windowId);
        } catch (error) {
            throw new ReadingFailure("permission_missing", String(error));
        }
    }
}

/** @param {Set<string>} reasons */
function tooFewCode(reasons) {
    if (reasons.has("not_visible")) return "not_visible";
    return reasons.has("paused") ? "paused" : "reading_failed";
}

/**
 * @param {string} url  a PNG as a data URL
 * @param {Measure} measure
 * @returns {Promise<{jpeg: Uint8Array, isBlack: boolean} | null>}  null: the video is out of sight
 */
async function cropped(url, measure) {
    const bytes = Uint8Array.from(atob(url.slice(url.indexOf(",") + 1)), (character) => character.charCodeAt(0));
    const picture = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
    try {
        const crop = cropOf(measure, picture);
        if (!crop) return null;
        const { canvas, context } = canvasOf(crop.to.width, crop.to.height);
        context.drawImage(picture, crop.from.x, crop.from.y, crop.from.width, crop.from.height, 0, 0, crop.to.width, crop.to.height);
        const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: JPEG_QUALITY });
        return { jpeg: new Uint8Array(await blob.arrayBuffer()), isBlack: isBlack(canvas) };
    } finally {
        picture.close();
    }
}

/** @param {OffscreenCanvas} canvas */
function isBlack(canvas) {
    const { context } = canvasOf(SMALL_SIDE_PIXELS, SMALL_SIDE_PIXELS);
    context.drawImage(/** @type {any} */ (canvas), 0, 0, SMALL_SIDE_PIXELS, SMALL_SIDE_PIXELS);
    const { data } = context.getImageData(0, 0, SMALL_SIDE_PIXELS, SMALL_SIDE_PIXELS);
    let least = 255;
    let most = 0;
    for (let i = 0; i < data.length; i += 4) {
        const luma = 0.2126 * data[i] + 0.7152 * data[i + 1] + 0.0722 * data[i + 2];
        least = Math.min(least, luma);
        most = Math.max(most, luma);
    }
    return most - least < BLACK_SPREAD;
}

/**
 * @param {number} width
 * @param {number} height
 */
function canvasOf(width, height) {
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    if (!context) throw new ReadingFailure("reading_failed", "there is no canvas to draw on");
    return { canvas, context };
}

/** @param {number} milliseconds */
function pause(milliseconds) {
    return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
