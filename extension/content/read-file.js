// @ts-check
"use strict";
var whorl = whorl || {};

/**
 * The file at a video's address, fetched as the page itself may.
 * @param {HTMLVideoElement} video
 * @param {{maximumBytes: number, signal: AbortSignal}} limits  whoever breaks off ends the fetch by the signal
 * @returns {Promise<ReadClip>}
 * @throws {InstanceType<typeof whorl.ReadingProblem>}
 */
whorl.readFile = async (video, { maximumBytes, signal }) => {
    const source = whorl.videos.sourceOf(video);
    if (source.kind === "none") throw new whorl.ReadingProblem("nothing_loaded", "");
    if (!source.url) throw new whorl.ReadingProblem("reading_failed", "the video has no file's address");
    const response = await answerOf(source.url);
    const length = lengthOf(response.headers);
    if (length !== null && length > maximumBytes) throw new whorl.ReadingProblem("too_large", `${length} bytes, more than ${maximumBytes}`);
    const pieces = whorl.piecesOf(/** @type {ReadableStream<Uint8Array>} */ (response.body), { maximumBytes, signal });
    const first = await pieces.next();
    const mediaType = first.done ? null : whorl.mediaType.typeOf(first.value);
    if (first.done || !mediaType) throw new whorl.ReadingProblem("reading_failed", "what the video's address answers with is no video");
    return { mediaType, length, pieces: joined(first.value, pieces) };

    /** @param {string} address */
    async function answerOf(address) {
        const asked = fetch(address, { credentials: "same-origin", signal });
        const answer = await whorl.waits.within(asked, 30_000, "no answer from the video's address");
        const contentType = answer.headers.get("content-type");
        const isTaken = answer.status === 200 && answer.body && whorl.mediaType.mayBeVideo(contentType);
        if (isTaken) return answer;
        const what = answer.status === 200 ? `with ${String(contentType).slice(0, 100)}` : answer.status;
        throw new whorl.ReadingProblem("reading_failed", `the video's address answers ${what}`);
    }

    /**
     * Of what arrives: a compressed answer's own length says nothing about it.
     * @param {Headers} headers
     */
    function lengthOf(headers) {
        const text = headers.get("content-length");
        return text !== null && /^[0-9]{1,15}$/.test(text) && !headers.get("content-encoding") ? Number(text) : null;
    }

    /**
     * @param {Uint8Array} first
     * @param {AsyncGenerator<Uint8Array, void>} others
     */
    async function* joined(first, others) {
        yield first;
        yield* others;
    }
};
