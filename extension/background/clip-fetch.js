// @ts-check
import { asReadingFailure, ReadingFailure } from "./reading-failure.js";

/**
 * @typedef {import("./clip-writer.js").ClipWriter} ClipWriter
 * @typedef {import("./analysis-state.js").Clip} Clip
 */

const STALL_MILLISECONDS = 30_000;

/**
 * Fetches the file at a video's address, as the page's own video element did. Only where the extension holds the host's permission.
 * @param {string} url
 * @param {ClipWriter} writer
 * @param {{signal: AbortSignal, onProgress: (progress: number) => void, stallMilliseconds?: number}} conditions
 * @returns {Promise<Clip>}
 * @throws {ReadingFailure}
 */
export async function fetchClip(url, writer, { signal, onProgress, stallMilliseconds = STALL_MILLISECONDS }) {
    const stall = new StallWatch(signal, stallMilliseconds);
    try {
        const response = await fetch(url, { credentials: "include", referrerPolicy: "no-referrer", signal: stall.signal });
        if (!response.ok || !response.body) throw new ReadingFailure("reading_failed", `HTTP status ${response.status}`);
        const type = response.headers.get("Content-Type") ?? "";
        const length = Number(response.headers.get("Content-Length") ?? 0);
        await writer.begin();
        const reader = response.body.getReader();
        for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
            stall.saw();
            await writer.write(piece.value);
            writer.checkType(type);
            if (length > 0) onProgress(Math.min(1, writer.lengthBytes / length));
        }
        return await writer.finish(type);
    } catch (error) {
        // Leaves nothing of the response on its way.
        stall.stop();
        if (signal.aborted) throw error;
        throw stall.isStalled ? new ReadingFailure("reading_failed", "nothing more came") : asReadingFailure(error);
    } finally {
        stall.end();
    }
}

/** Breaks off what gives no bytes for too long. */
class StallWatch {
    #controller = new AbortController();
    #outer;
    #milliseconds;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    #timer;
    #stop = () => this.stop();
    isStalled = false;

    /**
     * @param {AbortSignal} outer
     * @param {number} milliseconds
     */
    constructor(outer, milliseconds) {
        this.#outer = outer;
        this.#milliseconds = milliseconds;
        outer.addEventListener("abort", this.#stop);
        if (outer.aborted) this.stop();
        this.saw();
    }

    get signal() {
        return this.#controller.signal;
    }

    saw() {
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => {
            this.isStalled = true;
            this.stop();
        }, this.#milliseconds);
    }

    stop() {
        this.#controller.abort();
    }

    end() {
        clearTimeout(this.#timer);
        this.#outer.removeEventListener("abort", this.#stop);
    }
}
