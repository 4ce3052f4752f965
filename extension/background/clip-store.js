// @ts-check
/**
 * Bytes on their way, in IndexedDB: in pieces of one size, so that any part of a clip of hundreds of megabytes is found without reading
 * the rest.
 *
 * @typedef {object} Clips
 * @property {(id: string) => Promise<void>} forget  nothing of it is left; harmless where there is nothing
 * @property {(id: string, index: number, bytes: Uint8Array) => Promise<void>} put  of CHUNK_BYTES, the last of a clip alone may be shorter
 * @property {(id: string, offset: number, length: number) => Promise<Blob | null>} part  null: it is not all there
 * @property {() => Promise<string[]>} ids
 */

export const CHUNK_BYTES = 1 << 20;
const DATABASE = "clips";
const CHUNKS = "chunks";

/** @implements {Clips} */
export class ClipStore {
    /** @type {Promise<IDBDatabase> | null} */
    #opening = null;

    /** @param {string} id */
    async forget(id) {
        await this.#run("readwrite", (chunks) => chunks.delete(rangeOf(id)));
    }

    /**
     * @param {string} id
     * @param {number} index
     * @param {Uint8Array} bytes
     */
    async put(id, index, bytes) {
        await this.#run("readwrite", (chunks) => chunks.put(bytes, [id, index]));
    }

    /**
     * @param {string} id
     * @param {number} offset
     * @param {number} length
     */
    async part(id, offset, length) {
        const first = Math.floor(offset / CHUNK_BYTES);
        const last = Math.ceil((offset + length) / CHUNK_BYTES) - 1;
        const stored = await this.#run("readonly", (chunks) => chunks.getAll(IDBKeyRange.bound([id, first], [id, last])));
        return cutPart(stored, offset - first * CHUNK_BYTES, length);
    }

    async ids() {
        /** @type {string[]} */
        const ids = [];
        // From one clip to the next, whatever number of pieces each has.
        for (let key = await this.#firstKey(null); key; key = await this.#firstKey(key)) ids.push(key);
        return ids;
    }

    /** @param {string | null} after */
    async #firstKey(after) {
        const range = IDBKeyRange.lowerBound(after === null ? [] : [after, []]);
        const key = /** @type {[string, number] | undefined} */ (await this.#run("readonly", (chunks) => chunks.getKey(range)));
        return key ? key[0] : null;
    }

    /**
     * @template T
     * @param {IDBTransactionMode} mode
     * @param {(chunks: IDBObjectStore) => IDBRequest<T>} ask
     * @returns {Promise<T>}  once it is done for good
     */
    async #run(mode, ask) {
        const database = await this.#open();
        return new Promise((resolve, reject) => {
            const transaction = database.transaction(CHUNKS, mode);
            const request = ask(transaction.objectStore(CHUNKS));
            transaction.addEventListener("complete", () => resolve(request.result));
            transaction.addEventListener("abort", () => reject(transaction.error ?? request.error));
        });
    }

    /** @returns {Promise<IDBDatabase>} */
    #open() {
        this.#opening ??= this.#openAnew();
        return this.#opening;
    }

    /** @returns {Promise<IDBDatabase>} */
    #openAnew() {
        const reopenNextTime = () => {
            this.#opening = null;
        };
        return new Promise((resolve, reject) => {
            const request = indexedDB.open(DATABASE, 1);
            request.addEventListener("upgradeneeded", () => request.result.createObjectStore(CHUNKS));
            request.addEventListener("error", () => {
                reopenNextTime();
                reject(request.error);
            });
            request.addEventListener("success", () => {
                // The browser closes it where the profile's storage is cleared.
                request.result.addEventListener("close", reopenNextTime);
                resolve(request.result);
            });
        });
    }
}

/**
 * @param {Uint8Array[]} chunks
 * @param {number} skip  bytes of the first that do not belong to the part
 * @param {number} length
 * @returns {Blob | null}
 */
export function cutPart(chunks, skip, length) {
    const whole = new Blob(chunks);
    return whole.size >= skip + length ? whole.slice(skip, skip + length) : null;
}

/**
 * Arrays come after all numbers in IndexedDB's order.
 * @param {string} id
 */
function rangeOf(id) {
    return IDBKeyRange.bound([id], [id, []]);
}
