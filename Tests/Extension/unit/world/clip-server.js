// @ts-check
import { once } from "node:events";
import { createServer } from "node:http";

/** Serves the files of a page over real HTTP. */
export class ClipServer {
    /** @type {Map<string, {type: string, bytes: Buffer}>} */
    files = new Map();
    /** @type {(path: string) => boolean} whether it breaks off in the middle */
    breaks = () => false;
    #server = createServer((request, response) => {
        const path = request.url ?? "";
        const file = this.files.get(path);
        if (!file) {
            response.writeHead(404).end("no such file");
            return;
        }
        response.writeHead(200, { "Content-Type": file.type, "Content-Length": file.bytes.length });
        if (!this.breaks(path)) response.end(file.bytes);
        else response.write(file.bytes.subarray(0, file.bytes.length / 2), () => response.destroy());
    });

    async start() {
        this.#server.listen(0, "127.0.0.1");
        await once(this.#server, "listening");
        this.url = `http://127.0.0.1:${/** @type {import("node:net").AddressInfo} */ (this.#server.address()).port}`;
        return this;
    }

    async stop() {
        this.#server.closeAllConnections();
        this.#server.close();
        await once(this.#server, "close");
    }
}

/**
 * Bytes that begin as an MP4 and go on as told by a seed.
 * @param {number} length
 * @param {number} [seed]
 */
export function mp4Bytes(length, seed = 1) {
    const bytes = Buffer.alloc(length);
    let state = seed;
    for (let i = 0; i < length; i += 1) {
        state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
        bytes[i] = state >>> 24;
    }
    bytes.write("\0\0\0\x18ftypmp42", 0, "latin1");
    return bytes;
}
