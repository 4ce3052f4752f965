// @ts-check
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import test from "node:test";
import { CHUNK_BYTES, cutPart } from "../../../extension/background/clip-store.js";
import { clipType } from "../../../extension/background/clip-type.js";
import { ClipPorts } from "../../../extension/background/clip-ports.js";
import { ClipWriter } from "../../../extension/background/clip-writer.js";
import { cropOf, isStill } from "../../../extension/background/crop.js";
import { Sha256 } from "../../../extension/background/sha-256.js";
import { mp4Bytes } from "./world/clip-server.js";
import { MemoryClips } from "./world/memory-clips.js";

/** Bytes on their way: hashed, named, cut and stored. */

test("SHA-256 of every length around its blocks, in pieces of every kind", () => {
    const bytes = randomBytes(1000);
    for (let length = 0; length <= 300; length += 1) {
        const expected = createHash("sha256").update(bytes.subarray(0, length)).digest("hex");
        for (const step of [1, 3, 63, 64, 65, 300]) {
            const hash = new Sha256();
            for (let offset = 0; offset < length; offset += step) hash.update(bytes.subarray(offset, Math.min(offset + step, length)));
            assert.equal(hash.digest(), expected, `${length} bytes by ${step}`);
        }
    }
});

test("SHA-256 as FIPS 180-4 has it", () => {
    const hash = new Sha256();
    hash.update(new TextEncoder().encode("abc"));
    assert.equal(hash.digest(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
});

test("what bytes are is told by how they begin", () => {
    const ascii = (/** @type {string} */ text) => new Uint8Array(Buffer.concat([Buffer.from(text, "latin1"), Buffer.alloc(400, 0xee)]));
    const stream = new Uint8Array(400);
    for (const offset of [0, 188, 376]) stream[offset] = 0x47;
    /** @type {[Uint8Array, string, string | null][]} */
    const cases = [
        [ascii("\0\0\0\x18ftypisom"), "application/octet-stream", "video/mp4"],
        [ascii("\0\0\0\x18ftypisom"), "text/html", "video/mp4"],
        [ascii("\x1a\x45\xdf\xa3"), "video/mp4", "video/webm"],
        [ascii("OggS"), "", "video/ogg"],
        [ascii("RIFF....AVI "), "", "video/x-msvideo"],
        [stream, "", "video/mp2t"],
        [ascii("FLV\x01"), "video/x-flv", "video/x-flv"],
        [ascii("FLV\x01"), "application/octet-stream", null],
        [new Uint8Array(Buffer.from("<!doctype html><title>no</title>")), "video/mp4", null],
        [new Uint8Array(Buffer.from("#EXTM3U\n")), "application/vnd.apple.mpegurl", null],
        [ascii("\xff\xd8\xff"), "image/jpeg", null],
        [new Uint8Array(0), "video/mp4", null],
    ];
    for (const [bytes, declared, expected] of cases) {
        assert.equal(clipType(bytes, declared), expected, `${declared} ${Buffer.from(bytes).toString("latin1", 0, 12)}`);
    }
});

test("a clip is stored in chunks of one size, whatever comes", async () => {
    const clips = new MemoryClips();
    const bytes = mp4Bytes(2 * CHUNK_BYTES + 1234);
    const writer = new ClipWriter(clips, "a");
    await writer.begin();
    for (let offset = 0; offset < bytes.length; offset += 300_001) {
        await writer.write(new Uint8Array(bytes.subarray(offset, offset + 300_001)));
    }
    const clip = await writer.finish("application/octet-stream");
    assert.deepEqual(clip, { lengthBytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex"), mediaType: "video/mp4" });
    assert.deepEqual(clips.clips.get("a")?.map(({ length }) => length), [CHUNK_BYTES, CHUNK_BYTES, 1234]);
    for (const [offset, length] of [[0, 10], [CHUNK_BYTES - 5, 10], [100, 2 * CHUNK_BYTES], [bytes.length - 1, 1], [0, bytes.length]]) {
        const part = /** @type {Blob} */ (await clips.part("a", offset, length));
        const expected = bytes.subarray(offset, offset + length);
        assert.equal(Buffer.compare(Buffer.from(await part.arrayBuffer()), expected), 0, `${offset}+${length}`);
    }
    assert.equal(await clips.part("a", 100, bytes.length), null);
    assert.equal(cutPart([], 0, 1), null);
});

test("a clip that is too long, empty, or no video is refused", async () => {
    const tooLong = new ClipWriter(new MemoryClips(), "a", 1000);
    await assert.rejects(tooLong.write(new Uint8Array(1001)), { problem: { code: "too_large", detail: "more than 1000 bytes" } });
    await assert.rejects(new ClipWriter(new MemoryClips(), "a").finish("video/mp4"), { name: "ReadingFailure" });
    const page = new ClipWriter(new MemoryClips(), "a");
    await page.write(new Uint8Array(Buffer.from("<!doctype html>".padEnd(500))));
    assert.throws(() => page.checkType("text/html"), { name: "ReadingFailure" });
});

test("a port that breaks its word ends the clip", async () => {
    const place = { tabId: 1, frameId: 0, documentId: "D", videoId: "v" };
    const head = { kind: "head", mediaType: "video/mp4", length: null };
    const bytes = { kind: "bytes", base64: mp4Bytes(600).toString("base64") };
    /** @type {[any[], RegExp][]} */
    const cases = [
        [[bytes], /before their head/], [[head, head], /second head/], [[{ kind: "end" }], /before its head/],
        [[{ ...head, length: 7 }, bytes, { kind: "end" }], /not as long/],
        [[{ kind: "what" }], /known/], [[head, { kind: "bytes", base64: "*" }], /InvalidCharacterError/],
        [[head, { kind: "end" }], /nothing came/],
        [[{ kind: "failed", problem: { code: "protected", detail: "drm" } }], /protected: drm/], [["gone"], /went away/], [[], /silent/],
    ];
    for (const [messages, expected] of cases) {
        const ports = new ClipPorts({ silenceMilliseconds: 50 });
        const writer = new ClipWriter(new MemoryClips(), "a");
        const receiver = ports.expect("a", { place, writer, signal: new AbortController().signal, onProgress: () => undefined });
        /** @type {any} */
        const port = {
            name: "clip:a", sender: { tab: { id: 1 }, frameId: 0, documentId: "D" }, disconnect: () => undefined,
            postMessage: () => undefined,
            onMessage: { addListener: (/** @type {any} */ listener) => (port.say = listener) },
            onDisconnect: { addListener: (/** @type {any} */ listener) => (port.goAway = listener) },
        };
        ports.take(port);
        for (const message of messages) message === "gone" ? port.goAway() : port.say(message);
        await assert.rejects(receiver.clip, expected, JSON.stringify(messages));
    }
});

test("a clip that is broken off ends with the reason", async () => {
    const controller = new AbortController();
    const place = { tabId: 1, frameId: 0, documentId: "D", videoId: "v" };
    const writer = new ClipWriter(new MemoryClips(), "a");
    const receiver = new ClipPorts({}).expect("a", { place, writer, signal: controller.signal, onProgress: () => undefined });
    controller.abort(new Error("stopped"));
    await assert.rejects(receiver.clip, /stopped/);
});

test("the video's part of the captured tab", () => {
    const measure = /** @type {any} */ ({ rectangle: { x: 100, y: 50, width: 640, height: 360 }, viewport: { width: 1280, height: 720 } });
    assert.deepEqual(cropOf(measure, { width: 2560, height: 1440 }),
        { from: { x: 200, y: 100, width: 1280, height: 720 }, to: { width: 1280, height: 720 } });
    const large = { ...measure, rectangle: { x: 0, y: 0, width: 1280, height: 720 } };
    assert.deepEqual(cropOf(large, { width: 2560, height: 1440 })?.to, { width: 1280, height: 720 });
    const uneven = { ...measure, rectangle: { x: 10.4, y: 10.4, width: 100.4, height: 100.4 } };
    assert.deepEqual(cropOf(uneven, { width: 1280, height: 720 })?.from, { x: 11, y: 11, width: 99, height: 99 });
    const halfGone = { ...measure, rectangle: { x: -320, y: 0, width: 640, height: 360 } };
    assert.equal(cropOf(halfGone, { width: 1280, height: 720 }), null);
    const partlyGone = { ...measure, rectangle: { x: -100, y: 0, width: 640, height: 360 } };
    assert.deepEqual(cropOf(partlyGone, { width: 1280, height: 720 })?.from, { x: 0, y: 0, width: 540, height: 360 });
    assert.equal(cropOf({ ...measure, rectangle: { x: 0, y: 0, width: 0, height: 0 } }, { width: 1280, height: 720 }), null);
    assert.equal(isStill(measure, { ...measure, rectangle: { ...measure.rectangle, y: 51 } }), true);
    assert.equal(isStill(measure, { ...measure, rectangle: { ...measure.rectangle, y: 60 } }), false);
});
