// @ts-check
import { CHUNK_BYTES } from "./clip-store.js";
import { clipType, isJpeg, MOTION_JPEG, PREFIX_BYTES } from "./clip-type.js";
import { ReadingFailure } from "./reading-failure.js";
import { Sha256 } from "./sha-256.js";

/**
 * Takes a clip's bytes as they come: counts, hashes and stores them.
 *
 * @typedef {import("./clip-store.js").Clips} Clips
 * @typedef {import("./analysis-state.js").Clip} Clip
 */

/** No clip is longer. */
export const MAXIMUM_CLIP_BYTES = 512 << 20;

export class ClipWriter {
    #clips;
    #id;
    #maximumBytes;
    #hash = new Sha256();
    #chunk = new Uint8Array(CHUNK_BYTES);
    #chunkLength = 0;
    #chunkCount = 0;
    #prefix = new Uint8Array(0);
    #lengthBytes = 0;

    /**
     * @param {Clips} clips
     * @param {string} id
     * @param {number} [maximumBytes]
     */
    constructor(clips, id, maximumBytes = MAXIMUM_CLIP_BYTES) {
        this.#clips = clips;
        this.#id = id;
        this.#maximumBytes = maximumBytes;
    }

    get lengthBytes() {
        return this.#lengthBytes;
    }

    /** Begins anew: nothing of an earlier reading is left. */
    async begin() {
        await this.#clips.forget(this.#id);
    }

    /** @param {Uint8Array} bytes */
    async write(bytes) {
        this.#lengthBytes += bytes.length;
        if (this.#lengthBytes > this.#maximumBytes) throw new ReadingFailure("too_large", `more than ${this.#maximumBytes} bytes`);
        this.#hash.update(bytes);
        this.#keepPrefix(bytes);
        for (let offset = 0; offset < bytes.length; ) {
            const count = Math.min(CHUNK_BYTES - this.#chunkLength, bytes.length - offset);
            this.#chunk.set(bytes.subarray(offset, offset + count), this.#chunkLength);
            this.#chunkLength += count;
            offset += count;
            if (this.#chunkLength === CHUNK_BYTES) await this.#flush();
        }
    }

    /**
     * @param {string} declaredType
     * @returns {Promise<Clip>}
     */
    async finish(declaredType) {
        const mediaType = this.#typeOf(declaredType);
        if (this.#chunkLength > 0) await this.#flush();
        return { lengthBytes: this.#lengthBytes, sha256: this.#hash.digest(), mediaType };
    }

    /**
     * Fails early where what comes is no video.
     * @param {string} declaredType
     */
    checkType(declaredType) {
        if (this.#prefix.length >= PREFIX_BYTES) this.#typeOf(declaredType);
    }

    /** @param {string} declaredType */
    #typeOf(declaredType) {
        if (this.#lengthBytes === 0) throw new ReadingFailure("reading_failed", "nothing came");
        if (declaredType === MOTION_JPEG && isJpeg(this.#prefix)) return MOTION_JPEG;
        const type = clipType(this.#prefix, declaredType);
        if (!type) throw new ReadingFailure("not_a_video", `what came is no video that is known (${declaredType || "without a type"})`);
        return type;
    }

    /** @param {Uint8Array} bytes */
    #keepPrefix(bytes) {
        const missing = PREFIX_BYTES - this.#prefix.length;
        if (missing <= 0) return;
        const prefix = new Uint8Array(this.#prefix.length + Math.min(missing, bytes.length));
        prefix.set(this.#prefix);
        prefix.set(bytes.subarray(0, missing), this.#prefix.length);
        this.#prefix = prefix;
    }

    async #flush() {
        await this.#clips.put(this.#id, this.#chunkCount, this.#chunk.slice(0, this.#chunkLength));
        this.#chunkCount += 1;
        this.#chunkLength = 0;
    }
}
