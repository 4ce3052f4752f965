// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { runContentScripts } from "./content-scripts.js";

const { mediaType } = runContentScripts("media-type");

/** @param {string} text @param {number} [length] */
const head = (text, length = 400) => Uint8Array.from({ length }, (_, index) => text.charCodeAt(index) || 0);

test("videos are known by their first bytes, as the gateway knows them", () => {
    /** @type {[string, string][]} */
    const known = [
        ["\0\0\0\x20ftypisom", "video/mp4"], ["\0\0\0\x20ftypqt  ", "video/quicktime"], ["\0\0\0\x08moov", "video/quicktime"],
        ["\x1A\x45\xDF\xA3....B\x82\x84webm", "video/webm"], ["\x1A\x45\xDF\xA3....B\x82\x88matroska", "video/x-matroska"],
        ["RIFF....AVI LIST", "video/x-msvideo"], ["OggS", "video/ogg"], ["\0\0\x01\xBA", "video/mp2p"], ["GIF89a", "image/gif"],
        [`G${"\0".repeat(187)}G${"\0".repeat(187)}G`, "video/mp2t"],
    ];
    for (const [text, type] of known) assert.equal(mediaType.typeOf(head(text)), type);
});

test("nothing else is a video", () => {
    const others = [
        "", "<!DOCTYPE html>", "#EXTM3U\n", "\x89PNG\r\n", "RIFF....WEBPVP8 ", "\0\0\0\x20ftypavif", "\0\0\0\x20ftypheic", "ID3\x04", "G",
    ];
    for (const text of others) assert.equal(mediaType.typeOf(head(text)), null, text);
    for (const length of [0, 1, 3, 7]) assert.equal(mediaType.typeOf(head("\0\0\0\x20ftypisom", length)), null);
});

test("a server that declares a text, a playlist or sound sends no video", () => {
    const taken = [
        "video/mp4", "VIDEO/WebM; codecs=vp9", "application/octet-stream", "binary/octet-stream", "application/mp4", "image/gif", "", null,
    ];
    const others = [
        "text/html; charset=utf-8", "application/vnd.apple.mpegurl", "application/x-mpegURL", "video/vnd.mpegurl", "application/dash+xml",
        "video/vnd.mpeg.dash+xml", "audio/mp4", "image/png", "application/json",
    ];
    for (const type of taken) assert.equal(mediaType.mayBeVideo(type), true, String(type));
    for (const type of others) assert.equal(mediaType.mayBeVideo(type), false, type);
});
