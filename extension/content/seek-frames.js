// @ts-check
"use strict";
var whorl = whorl || {};

/** @typedef {InstanceType<typeof whorl.FrameReading>} FrameReading */

/** Frames of a paused video: it is sought from time to time, and put back. */
whorl.seekFrames = (() => {
    const SEEK_MILLISECONDS = 4000;
    const SHOW_MILLISECONDS = 250;
    const ALL_MILLISECONDS = 45_000;

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
            const targets = whorl.framePlan.evenTimes(range.start, range.end, reading.wanted);
            const tolerance = Math.min(1, Math.max(0.1, (range.end - range.start) / targets.length / 2));
            for (const target of whorl.framePlan.coarseFirst(targets)) {
                if (performance.now() > deadline) return { isWhole: false };
                const seconds = await showFrame(target, new LastShown(video, target, tolerance), taken, signal);
                if (seconds === null) return { isWhole: false };
                await reading.draw(seconds);
            }
            return { isWhole: true };
        } finally {
            await taken.giveBack();
        }
    }

    /**
     * @param {number} target
     * @param {LastShown} shown
     * @param {Takeover} taken
     * @param {AbortSignal} signal
     * @returns {Promise<number | null>}  the shown frame's own time; null: it cannot be shown, or the person took over
     */
    async function showFrame(target, shown, taken, signal) {
        const { video } = taken;
        try {
            const isSought = await taken.seek(target);
            signal.throwIfAborted();
            if (!isSought) return null;
            // The event tells that the position is reached, the callback that the frame is there, and which one it is. Where none
            // comes, for a frame that was shown already and in a hidden page, the frame gets some time.
            if (!shown.isWanted) await whorl.waits.presentedFrame(video, SHOW_MILLISECONDS, signal);
            if (taken.isOver) return null;
            return shown.isWanted ? shown.mediaTime : video.currentTime;
        } finally {
            shown.stop();
        }
    }

    /** The time of the frame that was shown last. */
    class LastShown {
        #handle = 0;
        mediaTime = NaN;

        /**
         * @param {HTMLVideoElement} video
         * @param {number} target
         * @param {number} tolerance  in seconds: a frame shown late, of where it was sought before, lies farther away
         */
        constructor(video, target, tolerance) {
            this.video = video;
            this.target = target;
            this.tolerance = tolerance;
            this.#listen();
        }

        get isWanted() {
            return Math.abs(this.mediaTime - this.target) <= this.tolerance;
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
     * A paused video's position while it is ours. That is over at once when somebody presses play, or seeks, when the player puts another
     * video into the element, or nobody wants the frames any more.
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
