// @ts-check
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { checkClipMessage } from "../../../extension/shared/messages.js";
import { runContentScripts } from "./content-scripts.js";

const whorl = runContentScripts("reading-problem", "waits", "pieces", "clip-port");

/** The other end of a port. */
class FakePort {
    /** @type {any[]} */
    sent = [];
    isClosed = false;
    isMute = false;
    /** @type {((message: any) => void)[]} */
    #listeners = [];
    /** @type {(() => void)[]} */
    #closeListeners = [];
    onMessage = { addListener: (/** @type {(message: any) => void} */ listener) => this.#listeners.push(listener) };
    onDisconnect = { addListener: (/** @type {() => void} */ listener) => this.#closeListeners.push(listener) };

    /** @param {any} message */
    postMessage(message) {
        this.sent.push(checkClipMessage(message));
        if (message.kind === "bytes" && !this.isMute) setImmediate(() => this.say({ kind: "more" }));
    }

    /** @param {any} message */
    say(message) {
        this.#listeners.forEach((listener) => listener(message));
    }

    disconnect() {
        this.isClosed = true;
    }

    die() {
        this.#closeListeners.forEach((listener) => listener());
    }

    get kinds() {
        return this.sent.map(({ kind }) => kind);
    }
}

/** @param {string[]} texts */
async function* piecesOf(...texts) {
    for (const text of texts) yield new TextEncoder().encode(text);
}

function open() {
    whorl.link = { isAlive: () => true };
    const port = new FakePort();
    return { port, clip: new whorl.ClipPort(port) };
}

test("a clip goes head, bytes, end, and the port is closed", async () => {
    const { port, clip } = open();
    const head = { mediaType: "video/x-motion-jpeg", length: 5, frameTimesSeconds: [0, 1] };
    await clip.send(async () => ({ ...head, pieces: piecesOf("ab", "cde") }));
    assert.deepEqual(port.sent, [
        { kind: "head", ...head },
        { kind: "bytes", base64: "YWI=" }, { kind: "bytes", base64: "Y2Rl" }, { kind: "end" },
    ]);
    assert.ok(port.isClosed);
});

test("the next piece waits until the one before was taken", async () => {
    const { port, clip } = open();
    port.isMute = true;
    const sent = clip.send(async () => ({ mediaType: "video/mp4", length: null, pieces: piecesOf("a", "b") }));
    await new Promise((resolve) => setTimeout(resolve, 10));
    assert.deepEqual(port.kinds, ["head", "bytes"]);
    port.say({ kind: "nonsense" });
    port.say(null);
    await new Promise((resolve) => setTimeout(resolve, 10));
    assert.deepEqual(port.kinds, ["head", "bytes"]);
    port.say({ kind: "more" });
    await new Promise((resolve) => setTimeout(resolve, 10));
    assert.deepEqual(port.kinds, ["head", "bytes", "bytes"]);
    port.say({ kind: "more" });
    await sent;
    assert.deepEqual(port.kinds, ["head", "bytes", "bytes", "end"]);
});

test("a failure says why, and so does a length that was wrong", async () => {
    const failing = open();
    await failing.clip.send(async () => {
        throw new whorl.ReadingProblem("tainted", "");
    });
    assert.deepEqual(failing.port.sent, [{ kind: "failed", problem: { code: "tainted", detail: "" } }]);
    const short = open();
    await short.clip.send(async () => ({ mediaType: "video/mp4", length: 9, pieces: piecesOf("abc") }));
    assert.deepEqual(short.port.kinds, ["head", "bytes", "failed"]);
    const broken = open();
    await broken.clip.send(async () => {
        throw new TypeError("x".repeat(2000));
    });
    assert.equal(broken.port.sent[0].problem.code, "reading_failed");
    assert.ok(broken.port.sent[0].problem.detail.length <= 500);
});

test("when nobody takes the clip any more, the reading is broken off and nothing is sent", async () => {
    const { port, clip } = open();
    port.isMute = true;
    let isReturned = false;
    async function* pieces() {
        try {
            yield new Uint8Array(1);
            yield new Uint8Array(1);
        } finally {
            isReturned = true;
        }
    }
    const sent = clip.send(async () => ({ mediaType: "video/mp4", length: null, pieces: pieces() }));
    await new Promise((resolve) => setTimeout(resolve, 10));
    port.die();
    await sent;
    assert.ok(clip.signal.aborted && isReturned);
    assert.deepEqual(port.kinds, ["head", "bytes"]);
});

test("an extension that is gone is not spoken to", async () => {
    const { port, clip } = open();
    whorl.link = { isAlive: () => false };
    await clip.send(async () => ({ mediaType: "video/mp4", length: null, pieces: piecesOf() }));
    assert.deepEqual(port.sent, []);
});

test("while a reading takes long, its progress is told again and again", async () => {
    mock.timers.enable({ apis: ["setInterval"] });
    const { port, clip } = open();
    /** @type {(clip: any) => void} */
    let finish = () => undefined;
    const sent = clip.send(() => new Promise((resolve) => {
        finish = resolve;
    }));
    clip.progress(0.25);
    mock.timers.tick(whorl.ClipPort.BEAT_MILLISECONDS * 2);
    assert.deepEqual(port.sent.map(({ progress }) => progress), [0.25, 0.25, 0.25]);
    finish({ mediaType: "video/mp4", length: null, pieces: piecesOf() });
    await sent;
    mock.timers.tick(whorl.ClipPort.BEAT_MILLISECONDS * 2);
    assert.equal(port.kinds.at(-1), "end");
    mock.timers.reset();
});
