// @ts-check
"use strict";
var whorl = whorl || {};

/** A clip on its way to the service worker, a piece at a time. */
whorl.ClipPort = class ClipPort {
    static MORE_MILLISECONDS = 60_000;
    /** The service worker is put to sleep after 30 s without a message. */
    static BEAT_MILLISECONDS = 4000;

    #progress = 0;
    #isOpen = true;
    #stop = new AbortController();
    /** @type {ReturnType<typeof setInterval>} */
    #beat;
    /** @type {(() => void) | null} */
    #onMore = null;

    /** @param {chrome.runtime.Port} port */
    constructor(port) {
        this.port = port;
        port.onMessage.addListener((message) => {
            if (message?.kind === "more") this.#onMore?.();
        });
        port.onDisconnect.addListener(() => this.stop(new whorl.ReadingProblem("reading_failed", "nobody takes the clip any more")));
        this.#beat = setInterval(() => this.progress(this.#progress), ClipPort.BEAT_MILLISECONDS);
    }

    /** Broken off when nobody wants the clip any more. */
    get signal() {
        return this.#stop.signal;
    }

    /** @param {unknown} reason */
    stop(reason) {
        this.#stop.abort(reason);
    }

    /** @param {number} progress  0…1 */
    progress(progress) {
        this.#progress = progress;
        this.#post({ kind: "progress", progress });
    }

    /**
     * Reads, and sends what comes of it; whatever happens, the port is closed after.
     * @param {() => Promise<ReadClip>} read
     */
    async send(read) {
        try {
            const { mediaType, length, frameTimesSeconds, pieces } = await read();
            this.#post({ kind: "head", mediaType, length, ...(frameTimesSeconds ? { frameTimesSeconds } : {}) });
            let sent = 0;
            for await (const piece of pieces) {
                await this.#sendPiece(piece);
                sent += piece.length;
            }
            if (length !== null && sent !== length) throw new whorl.ReadingProblem("reading_failed", `${sent} bytes came, of ${length}`);
            this.#post({ kind: "end" });
        } catch (error) {
            this.#post({ kind: "failed", problem: whorl.problemOf(error) });
        } finally {
            this.#close();
        }
    }

    /** @param {Uint8Array} piece */
    async #sendPiece(piece) {
        const more = await whorl.waits.until(ClipPort.MORE_MILLISECONDS, this.signal, (/** @type {(value: boolean) => void} */ done) => {
            this.#onMore = () => done(true);
            this.#post({ kind: "bytes", base64: whorl.toBase64(piece) });
            return () => {
                this.#onMore = null;
            };
        });
        if (!more) throw new whorl.ReadingProblem("reading_failed", "the clip's bytes were not taken");
    }

    /** @param {object} message */
    #post(message) {
        if (!this.#isOpen || this.signal.aborted || !whorl.link.isAlive()) return;
        this.port.postMessage(message);
    }

    #close() {
        clearInterval(this.#beat);
        this.#isOpen = false;
        // Ends what the reading still has under way.
        this.stop(new whorl.ReadingProblem("reading_failed", "the reading is over"));
        if (whorl.link.isAlive()) this.port.disconnect();
    }
};
