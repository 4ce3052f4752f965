// @ts-check
"use strict";
var whorl = whorl || {};

/**
 * @typedef {object} ReadClip
 * @property {string} mediaType
 * @property {number | null} length  in bytes
 * @property {number[]} [frameTimesSeconds]
 * @property {AsyncIterable<Uint8Array>} pieces  each of MAXIMUM_PIECE_BYTES at most
 */

/** Frames on their way from a video to a clip. */
whorl.FrameReading = class FrameReading {
    static HAVE_METADATA = 1;
    static HAVE_CURRENT_DATA = 2;
    static LOAD_MILLISECONDS = 5000;
    static ABSENCE_MILLISECONDS = 500;
    static ROUNDS = 3;

    /** @type {DrawnFrame[]} */
    frames = [];
    #bytes = 0;

    /**
     * @param {HTMLVideoElement} video
     * @param {{frameCount: number, maximumBytes: number, signal: AbortSignal, onProgress: (progress: number) => void}} options
     */
    constructor(video, { frameCount, maximumBytes, signal, onProgress }) {
        this.video = video;
        this.count = Math.min(frameCount, whorl.framePlan.MOST_FRAMES);
        this.maximumBytes = maximumBytes;
        this.signal = signal;
        this.onProgress = onProgress;
        this.drawer = new whorl.FrameDrawer(video);
    }

    /** So many frames are still to be drawn. */
    get wanted() {
        return this.count - this.frames.length;
    }

    /**
     * What the video shows now, as a frame; none where it shows nothing.
     * @param {number} seconds
     */
    async draw(seconds) {
        // A canvas that is given nothing keeps what it had: the frame before would count twice.
        if (this.video.readyState < FrameReading.HAVE_CURRENT_DATA) return;
        const frame = await this.drawer.draw(seconds);
        this.signal.throwIfAborted();
        await this.requirePresence();
        this.#bytes += frame.picture.size;
        if (this.#bytes > this.maximumBytes) throw new whorl.ReadingProblem("too_large", `more than ${this.maximumBytes} bytes of frames`);
        this.frames.push(frame);
        this.onProgress(this.frames.length / this.count);
    }

    /** A page that moves its video takes it out and puts it back. */
    async requirePresence() {
        if (this.video.isConnected) return;
        await whorl.waits.pause(FrameReading.ABSENCE_MILLISECONDS, this.signal);
        if (!this.video.isConnected) throw new whorl.ReadingProblem("reading_failed", "the video was taken off the page");
    }

    async requireLoaded() {
        const { video } = this;
        if (video.error) throw new whorl.ReadingProblem("nothing_loaded", video.error.message);
        if (whorl.videos.sourceOf(video).kind === "none") throw new whorl.ReadingProblem("nothing_loaded", "");
        const isLoaded = () => video.readyState >= FrameReading.HAVE_METADATA;
        if (!isLoaded()) await whorl.waits.event(video, "loadedmetadata", FrameReading.LOAD_MILLISECONDS, this.signal);
        if (!isLoaded()) throw new whorl.ReadingProblem("nothing_loaded", "nothing of the video came in time");
        if (video.videoWidth === 0) throw new whorl.ReadingProblem("nothing_loaded", "it has no picture");
    }

    /**
     * Draws until there are enough; a person who presses play or pause in between changes only the way.
     * @returns {Promise<boolean>}  whether that is all there is of the video
     */
    async drawAll() {
        for (let round = 0; round < FrameReading.ROUNDS; round += 1) {
            const range = whorl.seekFrames.rangeOf(this.video);
            const { isWhole } = range ? await whorl.seekFrames.seekFrames(this, range) : await whorl.watchFrames.watchFrames(this);
            if (isWhole) return true;
            const isEnough = whorl.framePlan.inOrder(this.frames).length >= whorl.framePlan.LEAST_FRAMES;
            if (isEnough || (!range && !whorl.seekFrames.rangeOf(this.video))) return false;
        }
        return false;
    }
};

/**
 * Frames of a video as one clip of JPEGs, one after another.
 * @param {HTMLVideoElement} video
 * @param {object} options
 * @param {number} options.frameCount
 * @param {number} options.maximumBytes
 * @param {() => boolean} options.isProtected  as it is known when the frames have been drawn
 * @param {AbortSignal} options.signal
 * @param {(progress: number) => void} options.onProgress
 * @returns {Promise<ReadClip>}
 * @throws {InstanceType<typeof whorl.ReadingProblem>}
 */
whorl.readFrames = async (video, { isProtected, signal, ...options }) => {
    const stop = new AbortController();
    const forward = () => stop.abort(signal.reason);
    const onEmptied = () => stop.abort(new whorl.ReadingProblem("reading_failed", "the video was replaced while it was read"));
    signal.throwIfAborted();
    signal.addEventListener("abort", forward);
    const reading = new whorl.FrameReading(video, { ...options, signal: stop.signal });
    try {
        await reading.requireLoaded();
        video.addEventListener("emptied", onEmptied);
        const isWhole = await reading.drawAll();
        const frames = whorl.framePlan.inOrder(reading.frames);
        const isHidden = document.visibilityState === "hidden";
        const problem = whorl.framePlan.problemOf(frames, { isWhole, isProtected: isProtected(), isPaused: video.paused, isHidden });
        if (problem) throw new whorl.ReadingProblem(problem.code, problem.detail);
        const clip = new Blob(frames.map((frame) => frame.picture));
        return {
            mediaType: "video/x-motion-jpeg", length: clip.size, frameTimesSeconds: frames.map((frame) => frame.seconds),
            pieces: whorl.piecesOf(clip.stream(), { maximumBytes: clip.size, signal }),
        };
    } finally {
        signal.removeEventListener("abort", forward);
        video.removeEventListener("emptied", onEmptied);
    }
};
