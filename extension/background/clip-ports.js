// @ts-check
import { CLIP_PORT_PREFIX, checkClipMessage } from "../shared/messages.js";
import { asReadingFailure, ReadingFailure } from "./reading-failure.js";

/**
 * Clips that content scripts send, each over a port of its own that is expected.
 *
 * @typedef {import("../shared/browser.js").Port} Port
 * @typedef {import("../shared/messages.js").ClipMessage} ClipMessage
 * @typedef {import("../shared/types.js").VideoPlace} VideoPlace
 * @typedef {import("./analysis-state.js").Clip} Clip
 * @typedef {import("./clip-writer.js").ClipWriter} ClipWriter
 *
 * @typedef {object} Expectation
 * @property {VideoPlace} place  who may send it
 * @property {ClipWriter} writer
 * @property {AbortSignal} signal
 * @property {(progress: number) => void} onProgress
 */

/** A content script tells of progress every five seconds at least. */
const SILENCE_MILLISECONDS = 30_000;

export class ClipPorts {
    /** @type {Map<string, (port: Port) => void>} by name */
    #expected = new Map();
    #silenceMilliseconds;

    /** @param {{silenceMilliseconds?: number}} limits */
    constructor({ silenceMilliseconds = SILENCE_MILLISECONDS }) {
        this.#silenceMilliseconds = silenceMilliseconds;
    }

    /**
     * Takes a port that was opened, or closes it where nobody waits for it.
     * @param {Port} port
     */
    take(port) {
        const expect = this.#expected.get(port.name);
        if (expect) expect(port);
        else port.disconnect();
    }

    /**
     * Begins to wait for a clip.
     * @param {string} analysisId
     * @param {Expectation} expectation
     * @returns {Receiver}
     */
    expect(analysisId, { place, writer, signal, onProgress }) {
        const name = CLIP_PORT_PREFIX + analysisId;
        const receiver = new Receiver(writer, onProgress, this.#silenceMilliseconds);
        const abort = () => receiver.fail(signal.reason);
        signal.addEventListener("abort", abort);
        if (signal.aborted) abort();
        const forget = () => {
            this.#expected.delete(name);
            signal.removeEventListener("abort", abort);
        };
        receiver.clip.then(forget, forget);
        this.#expected.set(name, (port) => {
            if (isFrom(port, place)) receiver.attach(port);
            else port.disconnect();
        });
        return receiver;
    }
}

/** One clip's messages, in their order. */
class Receiver {
    #writer;
    #onProgress;
    #silenceMilliseconds;
    /** @type {(clip: Clip) => void} */
    #resolve = () => undefined;
    /** @type {(failure: unknown) => void} */
    #reject = () => undefined;
    /** @type {Port | null} */
    #port = null;
    /** @type {{mediaType: string, length: number | null, frameTimesSeconds?: number[]} | null} */
    #head = null;
    /** @type {Promise<void>} */
    #turn;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    #timer;
    #isOver = false;

    /**
     * @param {ClipWriter} writer
     * @param {(progress: number) => void} onProgress
     * @param {number} silenceMilliseconds
     */
    constructor(writer, onProgress, silenceMilliseconds) {
        this.#writer = writer;
        this.#onProgress = onProgress;
        this.#silenceMilliseconds = silenceMilliseconds;
        /** @type {Promise<Clip>}  rejects with a ReadingFailure, or with the reason for which it was broken off */
        this.clip = new Promise((resolve, reject) => {
            this.#resolve = resolve;
            this.#reject = reject;
        });
        this.#turn = this.#inTurn(() => writer.begin());
        this.#watch();
    }

    /** @param {Port} port */
    attach(port) {
        if (this.#port || this.#isOver) {
            port.disconnect();
            return;
        }
        this.#port = port;
        this.#watch();
        port.onDisconnect.addListener(() => {
            // What came before is looked at first: a content script closes its port as soon as it has sent the end.
            this.#turn = this.#turn.then(() => this.fail(new ReadingFailure("page_gone", "the page went away while it was read")));
        });
        port.onMessage.addListener((message) => {
            this.#turn = this.#turn.then(() => this.#inTurn(() => this.#follow(checkClipMessage(message))));
        });
    }

    /** @param {unknown} failure */
    fail(failure) {
        if (this.#end()) this.#reject(failure);
    }

    /**
     * Does a step as long as it is not over; what fails ends it all.
     * @param {() => Promise<void> | void} step
     */
    async #inTurn(step) {
        if (this.#isOver) return;
        this.#watch();
        try {
            await step();
        } catch (error) {
            this.fail(asReadingFailure(error));
        }
    }

    /** @param {ClipMessage} message */
    async #follow(message) {
        switch (message.kind) {
            case "progress": return this.#onProgress(message.progress);
            case "failed": throw new ReadingFailure(message.problem.code, message.problem.detail);
            case "head": return this.#begin(message);
            case "bytes": return this.#write(message.base64);
            case "end": return this.#finish();
        }
    }

    /** @param {{mediaType: string, length: number | null, frameTimesSeconds?: number[]}} head */
    #begin(head) {
        if (this.#head) throw new ReadingFailure("reading_failed", "a second head came");
        this.#head = head;
    }

    /** @param {string} base64 */
    async #write(base64) {
        if (!this.#head) throw new ReadingFailure("reading_failed", "bytes came before their head");
        await this.#writer.write(bytesOfBase64(base64));
        this.#writer.checkType(this.#head.mediaType);
        this.#port?.postMessage({ kind: "more" });
    }

    async #finish() {
        if (!this.#head) throw new ReadingFailure("reading_failed", "the clip ended before its head");
        const { mediaType, length, frameTimesSeconds } = this.#head;
        const isWhole = length === null || length === this.#writer.lengthBytes;
        if (!isWhole) throw new ReadingFailure("reading_failed", "the clip is not as long as was said");
        const clip = await this.#writer.finish(mediaType);
        const whole = frameTimesSeconds ? { ...clip, frameTimesSeconds: checkedTimes(frameTimesSeconds) } : clip;
        if (this.#end()) this.#resolve(whole);
    }

    /** @returns {boolean}  whether it was not over before */
    #end() {
        if (this.#isOver) return false;
        this.#isOver = true;
        clearTimeout(this.#timer);
        this.#port?.disconnect();
        return true;
    }

    #watch() {
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.fail(new ReadingFailure("reading_failed", "the page fell silent")), this.#silenceMilliseconds);
    }
}

/**
 * @param {Port} port
 * @param {VideoPlace} place
 */
function isFrom({ sender }, { tabId, frameId, documentId }) {
    return sender?.tab?.id === tabId && sender.frameId === frameId && sender.documentId === documentId;
}

/**
 * @param {number[]} times
 * @returns {number[]}
 */
function checkedTimes(times) {
    const doAscend = times.every((time, index) => index === 0 || time > times[index - 1]);
    if (!doAscend) throw new ReadingFailure("reading_failed", "the frames' times do not ascend");
    return times;
}

/** @param {string} base64 */
function bytesOfBase64(base64) {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
