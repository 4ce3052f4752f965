// @ts-check
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { FakeVideo, runContentScripts } from "./content-scripts.js";

const whorl = runContentScripts("reading-problem", "waits", "videos", "pieces", "media-type", "read-file");
const SIGNAL = new AbortController().signal;
const MP4 = Buffer.concat([Buffer.from("\0\0\0\x20ftypisom", "latin1"), Buffer.alloc(2_000_000, 7)]);

/** @param {Uint8Array[]} chunks */
const streamOf = (...chunks) => new ReadableStream({
    start(controller) {
        chunks.forEach((chunk) => controller.enqueue(chunk));
        controller.close();
    },
});

/** @param {AsyncIterable<Uint8Array>} pieces */
async function gather(pieces) {
    const all = [];
    for await (const piece of pieces) all.push(Buffer.from(piece));
    return all;
}

/** @type {import("node:http").Server} */
let server;
let origin = "";

before(async () => {
    server = createServer((request, response) => {
        const path = new URL(request.url ?? "", "http://x").pathname;
        const answers = /** @type {Record<string, () => void>} */ ({
            "/a.mp4": () => response.writeHead(200, { "Content-Type": "video/mp4", "Content-Length": MP4.length }).end(MP4),
            "/untold.mp4": () => response.writeHead(200, { "Content-Type": "application/octet-stream" }).end(MP4),
            "/page.mp4": () => response.writeHead(200, { "Content-Type": "text/html" }).end("<!DOCTYPE html>"),
            "/lies.mp4": () => response.writeHead(200, { "Content-Type": "video/mp4" }).end("<!DOCTYPE html>"),
            "/nothing.mp4": () => response.writeHead(200, { "Content-Type": "video/mp4" }).end(),
        });
        (answers[path] ?? (() => response.writeHead(404).end()))();
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
    origin = `http://127.0.0.1:${/** @type {import("node:net").AddressInfo} */ (server.address()).port}`;
});

after(() => server.closeAllConnections());
after(() => server.close());

/** @param {string} path @param {object} [limits] */
const readFile = (path, limits = {}) => {
    const video = Object.assign(new FakeVideo(), { currentSrc: path && origin + path });
    return whorl.readFile(video, { maximumBytes: 1e8, signal: SIGNAL, ...limits });
};

test("a file comes whole, in pieces of a mebibyte of text", async () => {
    for (const path of ["/a.mp4", "/untold.mp4"]) {
        const { mediaType, length, pieces } = await readFile(path);
        assert.equal(mediaType, "video/mp4");
        assert.equal(length, path === "/a.mp4" ? MP4.length : null);
        const parts = await gather(pieces);
        assert.ok(parts.slice(0, -1).every((part) => whorl.toBase64(part).length === 1 << 20));
        assert.ok(Buffer.concat(parts).equals(MP4));
    }
});

test("what is no video, is not there, or is not loaded, is refused with the reason", async () => {
    await assert.rejects(readFile("/page.mp4"), { code: "reading_failed", detail: /text\/html/ });
    await assert.rejects(readFile("/lies.mp4"), { code: "reading_failed", detail: /no video/ });
    await assert.rejects(readFile("/nothing.mp4"), { code: "reading_failed", detail: /no video/ });
    await assert.rejects(readFile("/missing.mp4"), { code: "reading_failed", detail: /404/ });
    await assert.rejects(readFile(""), { code: "nothing_loaded" });
});

test("a file is bounded, by what is declared and by what comes", async () => {
    await assert.rejects(readFile("/a.mp4", { maximumBytes: 1000 }), { code: "too_large", detail: /2000012/ });
    const { pieces } = await readFile("/untold.mp4", { maximumBytes: 1_000_000 });
    await assert.rejects(gather(pieces), { code: "too_large" });
});

test("a broken off reading ends", async () => {
    const stop = new AbortController();
    const { pieces } = await readFile("/a.mp4", { signal: stop.signal });
    stop.abort(new Error("enough"));
    await assert.rejects(gather(pieces));
});

test("pieces do not depend on how the bytes come", async () => {
    const whole = Buffer.from(Array.from({ length: 2 * whorl.PIECE_BYTES + 5 }, (_, index) => index % 251));
    for (const size of [1000, 65_537, whorl.PIECE_BYTES, whole.length]) {
        const chunks = [];
        for (let start = 0; start < whole.length; start += size) chunks.push(new Uint8Array(whole.subarray(start, start + size)));
        const parts = await gather(whorl.piecesOf(streamOf(...chunks), { maximumBytes: whole.length, signal: SIGNAL }));
        assert.deepEqual(parts.map((part) => part.length), [whorl.PIECE_BYTES, whorl.PIECE_BYTES, 5]);
        assert.ok(Buffer.concat(parts).equals(whole));
    }
    assert.deepEqual(await gather(whorl.piecesOf(streamOf(), { maximumBytes: 1, signal: SIGNAL })), []);
});

test("a stream that stands still is given up, and told so", async () => {
    let isCancelled = false;
    const stream = new ReadableStream({
        cancel() {
            isCancelled = true;
        },
    });
    const pieces = whorl.piecesOf(stream, { maximumBytes: 10, signal: SIGNAL, stallMilliseconds: 20 });
    await assert.rejects(gather(pieces), { code: "reading_failed" });
    assert.ok(isCancelled);
});

test("Base64 is that of everybody", () => {
    const bytes = Uint8Array.from({ length: 100_003 }, (_, index) => (index * 7) % 256);
    assert.equal(whorl.toBase64(bytes), Buffer.from(bytes).toString("base64"));
    assert.equal(whorl.toBase64(new Uint8Array()), "");
});
