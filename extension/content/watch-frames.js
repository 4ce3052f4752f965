// @ts-check
"use strict";
var whorl = whorl || {};

/** Frames of a playing video, which is left alone: they are drawn as it shows them. */
whorl.watchFrames = (() => {
    const ALL_MILLISECONDS = 20_000;
    /** What is left for frames that come late. */
    const SLACK_MILLISECONDS = 1000;
    const SHOW_MILLISECONDS = 1000;

    /**
     * Over how long the frames are spread: what there still is of the video, as far as there is time.
     * @param {Pick<HTMLVideoElement, "duration"|"currentTime"|"playbackRate"|"loop">} video
     */
    function spanMilliseconds({ duration, currentTime, playbackRate, loop }) {
        const longest = ALL_MILLISECONDS - SLACK_MILLISECONDS;
        if (!Number.isFinite(duration) || duration <= 0 || playbackRate <= 0) return longest;
        const left = loop ? duration : Math.max(0, duration - currentTime);
        return Math.min(longest, (left / playbackRate) * 1000);
    }

    /**
     * @param {FrameReading} reading
     * @returns {Promise<{isWhole: boolean}>}  whether it was seen from its beginning to its end
     */
    async function watchFrames(reading) {
        const { video, signal, wanted } = reading;
        const start = performance.now();
        const span = spanMilliseconds(video);
        const isWhole = video.loop && Number.isFinite(video.duration) && (video.duration / video.playbackRate) * 1000 <= span;
        let next = start + span / wanted / 2;
        while (reading.wanted > 0 && !video.ended) {
            await whorl.waits.pause(Math.max(0, next - performance.now()), signal);
            const left = start + ALL_MILLISECONDS - performance.now();
            if (left <= 0) return { isWhole: false };
            const shown = await whorl.waits.presentedFrame(video, Math.min(SHOW_MILLISECONDS, left), signal);
            await reading.requirePresence();
            if (!shown) continue;
            // Frames that came late push the others on, and so they stay apart.
            next = Math.max(next, performance.now() - span / wanted / 2) + span / wanted;
            await reading.draw(shown.mediaTime);
        }
        return { isWhole };
    }

    return { spanMilliseconds, watchFrames };
})();
