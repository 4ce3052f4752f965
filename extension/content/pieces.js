// @ts-check
"use strict";
var whorl = whorl || {};

/** So long are the pieces that a clip travels in: a mebibyte of Base64, without padding. */
whorl.PIECE_BYTES = 768 * 1024;

/**
 * A stream in pieces of PIECE_BYTES, the last one shorter.
 * @param {ReadableStream<Uint8Array>} stream
 * @param {{maximumBytes: number, signal: AbortSignal, stallMilliseconds?: number}} limits
 * @returns {AsyncGenerator<Uint8Array, void>}
 * @throws {InstanceType<typeof whorl.ReadingProblem>}  `too_large`, or nothing came for too long
 */
whorl.piecesOf = async function* (stream, { maximumBytes, signal, stallMilliseconds = 30_000 }) {
    const reader = stream.getReader();
    let piece = new Uint8Array(whorl.PIECE_BYTES);
    let filled = 0;
    let total = 0;
    try {
        for (;;) {
            const { done, value: chunk } = await whorl.waits.within(reader.read(), stallMilliseconds, "the video's bytes stopped coming");
            signal.throwIfAborted();
            if (done) break;
            total += chunk.length;
            if (total > maximumBytes) throw new whorl.ReadingProblem("too_large", `more than ${maximumBytes} bytes`);
            for (let start = 0; start < chunk.length;) {
                const part = chunk.subarray(start, start + piece.length - filled);
                piece.set(part, filled);
                filled += part.length;
                start += part.length;
                if (filled < piece.length) continue;
                yield piece;
                piece = new Uint8Array(whorl.PIECE_BYTES);
                filled = 0;
            }
        }
        if (filled > 0) yield piece.subarray(0, filled);
    } finally {
        // Whoever stops in the middle wants no more of it; a stream that has failed already says so again, to nobody.
        reader.cancel().catch(() => undefined);
    }
};

/** @param {Uint8Array} bytes */
whorl.toBase64 = (bytes) => {
    const part = 0x8000;
    let text = "";
    for (let start = 0; start < bytes.length; start += part) text += String.fromCharCode(...bytes.subarray(start, start + part));
    return btoa(text);
};
