// @ts-check
"use strict";
var whorl = whorl || {};

/** Waits, each of them bounded and to be broken off. */
whorl.waits = (() => {
    /**
     * Runs `begin`, and waits until it calls back, the time is over or the signal breaks it off.
     * @template T
     * @param {number} milliseconds
     * @param {AbortSignal | undefined} signal
     * @param {(done: (value: T) => void) => () => void} begin  what it gives back is called at the end, whatever that is
     * @returns {Promise<T | null>}  null: the time is over
     */
    function until(milliseconds, signal, begin) {
        return new Promise((resolve, reject) => {
            if (signal?.aborted) {
                reject(signal.reason);
                return;
            }
            const cleanUps = [() => clearTimeout(timer), () => signal?.removeEventListener("abort", breakOff)];
            const finish = () => cleanUps.splice(0).forEach((cleanUp) => cleanUp());
            const breakOff = () => {
                finish();
                reject(signal?.reason);
            };
            const settle = (/** @type {T | null} */ value) => {
                finish();
                resolve(value);
            };
            const timer = setTimeout(() => settle(null), milliseconds);
            signal?.addEventListener("abort", breakOff);
            cleanUps.push(begin(settle));
        });
    }

    /**
     * @param {number} milliseconds
     * @param {AbortSignal} [signal]
     */
    function pause(milliseconds, signal) {
        return until(milliseconds, signal, () => () => undefined);
    }

    /**
     * @param {EventTarget} target
     * @param {string} name
     * @param {number} milliseconds
     * @param {AbortSignal} [signal]
     * @returns {Promise<Event | null>}  null: it did not come in time
     */
    function event(target, name, milliseconds, signal) {
        return until(milliseconds, signal, (done) => {
            target.addEventListener(name, done);
            return () => target.removeEventListener(name, done);
        });
    }

    /**
     * The next frame that the video shows.
     * @param {HTMLVideoElement} video
     * @param {number} milliseconds
     * @param {AbortSignal} [signal]
     * @returns {Promise<VideoFrameCallbackMetadata | null>}  null: none came in time
     */
    function presentedFrame(video, milliseconds, signal) {
        return until(milliseconds, signal, (done) => {
            const handle = video.requestVideoFrameCallback((_, metadata) => done(metadata));
            return () => video.cancelVideoFrameCallback(handle);
        });
    }

    /**
     * Until what was changed is on the screen: the second animation frame from now begins after the first was painted.
     * @param {number} milliseconds  a hidden page paints nothing
     */
    function painted(milliseconds) {
        return until(milliseconds, undefined, (/** @type {(value: boolean) => void} */ done) => {
            let handle = requestAnimationFrame(() => {
                handle = requestAnimationFrame(() => done(true));
            });
            return () => cancelAnimationFrame(handle);
        });
    }

    /**
     * What a promise is worth, if that comes in time.
     * @template T
     * @param {Promise<T>} promise
     * @param {number} milliseconds
     * @param {string} complaint  of the problem when it does not
     * @returns {Promise<T>}
     */
    function within(promise, milliseconds, complaint) {
        return new Promise((resolve, reject) => {
            const timer = setTimeout(() => reject(new whorl.ReadingProblem("reading_failed", complaint)), milliseconds);
            promise.then(resolve, reject).finally(() => clearTimeout(timer));
        });
    }

    return { until, pause, event, presentedFrame, painted, within };
})();
