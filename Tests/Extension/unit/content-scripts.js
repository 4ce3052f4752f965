// @ts-check
import { readFileSync } from "node:fs";
import vm from "node:vm";
import { CONTENT_FILES } from "../../../extension/shared/content-files.js";

const FOLDER = new URL("../../../extension/", import.meta.url);

/**
 * Runs content scripts as a page's frame runs them, one after another in one global scope.
 * @param {...string} names  of files in content/, without their suffix
 * @returns {any}  the object that they share
 */
export function runContentScripts(...names) {
    for (const file of CONTENT_FILES.filter((path) => names.includes(nameOf(path)))) {
        vm.runInThisContext(readFileSync(new URL(file, FOLDER), "utf-8"), { filename: file });
    }
    return /** @type {any} */ (globalThis).whorl;
}

/** @param {string} path */
export function nameOf(path) {
    return path.replace(/^content\/|\.js$/g, "");
}

/** A video element as far as scripts look at it; tests set what they need. */
export class FakeVideo extends EventTarget {
    localName = "video";
    isConnected = true;
    srcObject = null;
    currentSrc = "";
    networkState = 1;
    readyState = 4;
    duration = 8;
    videoWidth = 640;
    videoHeight = 360;
    playbackRate = 1;
    loop = false;
    ended = false;
    paused = true;
    mediaKeys = null;
    error = null;
    seekable = { length: 1, start: () => 0, end: () => this.duration };
    /** Where it was sought, in order. */
    /** @type {number[]} */
    seeks = [];
    /** @type {Map<number, (now: number, metadata: {mediaTime: number}) => void>} */
    #callbacks = new Map();
    #time = 0;
    #count = 0;

    get currentTime() {
        return this.#time;
    }

    set currentTime(seconds) {
        this.#time = seconds;
        this.seeks.push(seconds);
        queueMicrotask(() => {
            this.dispatchEvent(new Event("seeking"));
            setImmediate(() => {
                this.show(seconds);
                this.dispatchEvent(new Event("seeked"));
            });
        });
    }

    /** @param {number} mediaTime */
    show(mediaTime) {
        const callbacks = [...this.#callbacks.values()];
        this.#callbacks.clear();
        callbacks.forEach((callback) => callback(0, { mediaTime }));
    }

    /** @param {(now: number, metadata: {mediaTime: number}) => void} callback */
    requestVideoFrameCallback(callback) {
        this.#callbacks.set((this.#count += 1), callback);
        return this.#count;
    }

    /** @param {number} handle */
    cancelVideoFrameCallback(handle) {
        this.#callbacks.delete(handle);
    }
}
