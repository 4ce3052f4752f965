// @ts-check
/**
 * The pictures of one verdict, fetched with the gateway's key, each once, a few at a time.
 *
 * @typedef {{blob: Promise<Blob>, url: string}} Picture  `url` is empty until somebody wants to show it
 */

const PARALLEL = 4;

export class Pictures {
    #fetch;
    /** @type {Map<string, Picture>} */
    #pictures = new Map();
    /** @type {(() => void)[]} */
    #waiting = [];
    #running = 0;
    #isClosed = false;

    /** @param {(link: string) => Promise<Blob>} fetchPicture */
    constructor(fetchPicture) {
        this.#fetch = fetchPicture;
    }

    /**
     * An address that an image element can show; it is good until `close`.
     * @param {string} link  of the verdict
     */
    async url(link) {
        const picture = this.#picture(link);
        const blob = await picture.blob;
        if (this.#isClosed) throw new Error("The pictures were given back.");
        picture.url ||= URL.createObjectURL(blob);
        return picture.url;
    }

    /** @param {string} link */
    async dataURL(link) {
        return asDataURL(await this.#picture(link).blob);
    }

    /** Gives the memory back. */
    close() {
        this.#isClosed = true;
        for (const { url } of this.#pictures.values()) if (url) URL.revokeObjectURL(url);
        this.#pictures.clear();
        // Those who wait are let through, to find that it is over.
        for (const start of this.#waiting.splice(0)) start();
    }

    /** @param {string} link */
    #picture(link) {
        const known = this.#pictures.get(link);
        if (known) return known;
        const picture = { blob: this.#inTurn(link), url: "" };
        this.#pictures.set(link, picture);
        // A failed one may be asked for again.
        picture.blob.catch(() => this.#pictures.delete(link));
        return picture;
    }

    /** @param {string} link */
    async #inTurn(link) {
        if (this.#running >= PARALLEL) await new Promise((start) => this.#waiting.push(() => start(undefined)));
        if (this.#isClosed) throw new Error("The pictures were given back.");
        this.#running += 1;
        try {
            return await this.#fetch(link);
        } finally {
            this.#running -= 1;
            this.#waiting.shift()?.();
        }
    }
}

/**
 * @param {Blob} blob
 * @returns {Promise<string>}
 */
function asDataURL(blob) {
    return new Promise((resolve, reject) => {
        const reader = new FileReader();
        reader.addEventListener("load", () => resolve(String(reader.result)));
        reader.addEventListener("error", () => reject(reader.error ?? new Error("The picture cannot be read.")));
        reader.readAsDataURL(blob);
    });
}
