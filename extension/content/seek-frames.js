// @ts-check
"use strict";
var whorl = whorl || {};

/** @typedef {InstanceType<typeof whorl.FrameReading>} FrameReading */

/** Frames of a paused video: it is sought from time to time, and put back. */
whorl.seekFrames = (() => {
    const SEEK_MILLISECONDS = 4000;
    const SHOW_MILLISECONDS = 250;
    const ALL_MILLISECONDS = 45_000;
    const LONGEST_FRAME_DISTANCE_SECONDS = 1;

    /**
     * The part of a video that can be sought; null where that would disturb somebody, or is not possible.
     * @param {Pick<HTMLVideoElement, "paused"|"duration"|"seekable">} video
     * @returns {{start: number, end: number} | null}
     */
    function rangeOf({ paused, duration, seekable }) {
        if (!paused || !Number.isFinite(duration) || duration <= 0 || seekable.length === 0) return null;
        const start = Math.max(0, seekable.start(0));
        const end = Math.min(duration, seekable.end(seekable.length - 1));
        return end > start ? { start, end } : null;
    }

    /**
     * @param {FrameReading} reading
     * @param {{start: number, end: number}} range
     * @returns {Promise<{isWhole: boolean}>}  false: somebody took over, or it took too long
     */
    async function seekFrames(reading, range) {
        const { video, signal } = reading;
        const taken = new Takeover(video, signal);
        const deadline = performance.now() + ALL_MILLISECONDS;
        try {
            for (const target of whorl.framePlan.evenTimes(range.start, range.end, reading.wanted)) {
                if (performance.now() > deadline) return { isWhole: false };
                const seconds = await showFrame(video, target, taken, signal);
                if (seconds === null) return { isWhole: false };
                await reading.draw(seconds);
            }
            return { isWhole: true };
        } finally {
            await taken.giveBack();
        }
    }

    /**
     * @param {HTMLVideoElement} video
     * @param {number} target
     * @param {Takeover} taken
     * @param {AbortSignal} signal
     * @returns {Promise<number | null>}  the shown frame's own time; null: it cannot be shown, or the person took over
     */
    async function showFrame(video, target, taken, signal) {
        const shown = new LastShown(video);
        try {
            const isSought = await taken.seek(target);
            signal.throwIfAborted();
            if (!isSought) return null;
            // The event tells that the frame is there, the callback which one it is; for the frame that was shown already there is none.
            if (!shown.isNear(target)) await whorl.waits.presentedFrame(video, SHOW_MILLISECONDS, signal);
            if (taken.isOver) return null;
            return shown.isNear(target) ? shown.mediaTime : video.currentTime;
        } finally {
            shown.stop();
        }
    }

    /** The time of the frame that was shown last. */
    class LastShown {
        #handle = 0;
        mediaTime = NaN;

        /** @param {HTMLVideoElement} video */
        constructor(video) {
            this.video = video;
            this.#listen();
        }

        /** @param {number} target */
        isNear(target) {
            return Math.abs(this.mediaTime - target) <= LONGEST_FRAME_DISTANCE_SECONDS;
        }

        stop() {
            this.video.cancelVideoFrameCallback(this.#handle);
        }

        #listen() {
            this.#handle = this.video.requestVideoFrameCallback((_, { mediaTime }) => {
                this.mediaTime = mediaTime;
                this.#listen();
            });
        }
    }

    /**
     * A paused video's position while it is ours. That is over at once when somebody presses play, or seeks, when the player puts another video into
     * the element, or nobody wants the frames any more.
     */
    class Takeover {
        #over = new AbortController();
        /** @type {number | null}  where we sought last */
        #ours = null;
        #onPlay = () => this.#end(true);
        #onEmptied = () => this.#end(false);
        #onSeeking = () => {
            if (this.#ours !== null && Math.abs(this.video.currentTime - this.#ours) > 0.01) this.#end(false);
        };

        /**
         * @param {HTMLVideoElement} video
         * @param {AbortSignal} signal
         */
        constructor(video, signal) {
            this.video = video;
            this.signal = signal;
            this.before = video.currentTime;
            this.identity = whorl.videos.identityOf(video);
            video.addEventListener("play", this.#onPlay);
            video.addEventListener("emptied", this.#onEmptied);
            video.addEventListener("seeking", this.#onSeeking);
            signal.addEventListener("abort", this.#onPlay);
        }

        get isOver() {
            return this.#over.signal.aborted;
        }

        /**
         * @param {number} target
         * @returns {Promise<boolean>}  false: it did not come about
         */
        async seek(target) {
            if (this.isOver) return false;
            this.#ours = target;
            this.video.currentTime = target;
            const seeked = whorl.waits.event(this.video, "seeked", SEEK_MILLISECONDS, this.#over.signal);
            return (await seeked.catch(() => null)) !== null;
        }

        /** Comes back when the video is as it was. */
        async giveBack() {
            if (this.#end(true)) await whorl.waits.event(this.video, "seeked", SEEK_MILLISECONDS);
        }

        /**
         * @param {boolean} putsBack
         * @returns {boolean}  whether it is on its way back
         */
        #end(putsBack) {
            if (this.isOver) return false;
            this.video.removeEventListener("play", this.#onPlay);
            this.video.removeEventListener("emptied", this.#onEmptied);
            this.video.removeEventListener("seeking", this.#onSeeking);
            this.signal.removeEventListener("abort", this.#onPlay);
            this.#over.abort();
            // Another video in the element begins where it begins.
            const isSame = whorl.videos.isSameIdentity(whorl.videos.identityOf(this.video), this.identity);
            const isAway = putsBack && isSame && this.#ours !== null;
            if (isAway) this.video.currentTime = this.before;
            return isAway;
        }
    }

    return { rangeOf, seekFrames };
})();
