// @ts-check
import { cutPart } from "../../../../extension/background/clip-store.js";

/** What changes something outside of the service worker. */
export const CLIP_EFFECTS = ["put", "forget"];

/**
 * The store of clips over memory.
 * @implements {import("../../../../extension/background/clip-store.js").Clips}
 */
export class MemoryClips {
    /** @type {Map<string, Uint8Array[]>} */
    clips = new Map();

    /** @param {string} id */
    async forget(id) {
        this.clips.delete(id);
    }

    /**
     * @param {string} id
     * @param {number} index
     * @param {Uint8Array} bytes
     */
    async put(id, index, bytes) {
        const chunks = this.clips.get(id) ?? [];
        chunks[index] = bytes;
        this.clips.set(id, chunks);
    }

    /**
     * @param {string} id
     * @param {number} offset
     * @param {number} length
     */
    async part(id, offset, length) {
        const first = Math.floor(offset / (1 << 20));
        const last = Math.ceil((offset + length) / (1 << 20));
        return cutPart((this.clips.get(id) ?? []).slice(first, last), offset - first * (1 << 20), length);
    }

    async ids() {
        return [...this.clips.keys()];
    }
}
