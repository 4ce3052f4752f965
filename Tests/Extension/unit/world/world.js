// @ts-check
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { UPLOAD_BYTES } from "../../../../extension/background/clip-sender.js";
import { Machine } from "../../../../extension/background/machine.js";
import { Translator } from "../../../../extension/shared/translate.js";
import { ClipServer } from "./clip-server.js";
import { GatewayServer } from "./gateway-server.js";
import { Life } from "./life.js";
import { BROWSER_EFFECTS, EXTENSION_ORIGIN, MemoryBrowser } from "./memory-browser.js";
import { CLIP_EFFECTS, MemoryClips } from "./memory-clips.js";

/** So many of the machine's seconds go by in one of the test's. */
const SPEED = 200;
const PATIENCE_MILLISECONDS = 20_000;
const ENDS = ["succeeded", "failed", "cancelled", "unreadable"];
const { setTimeout: setWorldTimeout } = globalThis;
// A machine that was ended never clears its timers, which must not hold up the tests' end.
globalThis.setTimeout = /** @type {any} */ ((/** @type {any[]} */ ...values) => setWorldTimeout(.../** @type {[any]} */ (values)).unref());

export const DOCUMENT = "0123456789ABCDEF0123456789ABCDEF";

/** A clock that goes faster than the world's, and can be set. */
class FastClock {
    offsetMilliseconds = 0;
    now = () => 1_700_000_000_000 + this.offsetMilliseconds + Math.round(this.elapsed());
    elapsed = () => performance.now() * SPEED;
    setTimer = (/** @type {() => void} */ task, /** @type {number} */ milliseconds) => setTimeout(task, milliseconds / SPEED);
    clearTimer = (/** @type {any} */ timer) => clearTimeout(timer);
}

/** A browser, a gateway and a page with videos; machines come and go. */
export class World {
    browser = new MemoryBrowser();
    clips = new MemoryClips();
    clock = new FastClock();
    gateway = new GatewayServer();
    site = new ClipServer();
    /** @type {Machine | null} */
    machine = null;
    life = new Life();
    uploadBytes = UPLOAD_BYTES;
    documentId = DOCUMENT;
    tabId = 7;

    /** @param {import("node:test").TestContext} test */
    async open(test) {
        await Promise.all([this.gateway.start(), this.site.start()]);
        test.after(async () => {
            this.life.end();
            await Promise.all([this.gateway.stop(), this.site.stop()]);
        });
        this.browser.hosts.add("http://127.0.0.1/*");
        this.browser.shownTabs = [this.tabId];
        this.browser.onAlarmSet = (name) => this.#ring(name);
        await this.set({});
        return this;
    }

    /** @param {object} settings */
    async set(settings) {
        await this.browser.writeStorage("local", { settings: { gatewayUrl: this.gateway.url, ...settings } });
    }

    /**
     * Starts a service worker.
     * @param {number} [effects]  after so many it is ended
     */
    start(effects = Infinity) {
        this.life.end();
        const life = new Life(effects);
        this.life = life;
        this.gateway.afterCall = () => {
            if (!life.isOver) life.count();
        };
        const machine = new Machine({
            browser: /** @type {any} */ (life.lend(this.browser, BROWSER_EFFECTS)),
            clips: life.lend(this.clips, CLIP_EFFECTS),
            clock: this.clock,
            random: () => 0.5,
            newId: randomUUID,
            loadTranslator: async () => new Translator(() => ""),
            uploadBytes: this.uploadBytes,
        });
        this.browser.storageListeners = [(changes, area) => {
            if (!life.isOver) machine.storageChanged(changes, area);
        }];
        this.machine = machine;
        machine.begin().catch(() => undefined);
        return machine;
    }

    /** Has an alarm go off in its time, as long as it is not set anew. @param {string} name */
    #ring(name) {
        const times = this.browser.alarms.get(name);
        const ringOnce = () => {
            if (this.browser.alarms.get(name) !== times) return;
            this.machine?.alarm(name);
            if (times?.periodMinutes) this.clock.setTimer(ringOnce, times.periodMinutes * 60_000);
        };
        this.clock.setTimer(ringOnce, (times?.delayMinutes ?? 0) * 60_000);
    }

    /** From a page of the extension. @param {object} message @returns {Promise<any>} */
    ask(message) {
        assert(this.machine);
        return this.machine.answer(message,
            { id: this.browser.extensionId(), url: `${EXTENSION_ORIGIN}/popup/popup.html`, origin: EXTENSION_ORIGIN });
    }

    /** From the content script of the page. @param {object} message @returns {Promise<any>} */
    tell(message) {
        assert(this.machine);
        return this.machine.answer(message, this.contentSender());
    }

    contentSender() {
        return {
            id: this.browser.extensionId(), url: `${this.site.url}/page`, origin: this.site.url, frameId: 0, documentId: this.documentId,
            tab: { id: this.tabId, windowId: 1, active: true, url: `${this.site.url}/page`, title: "A page" },
        };
    }

    /** @param {string} videoId */
    place(videoId) {
        return { tabId: this.tabId, frameId: 0, documentId: this.documentId, videoId };
    }

    /**
     * A machine that knows a page's videos, and is asked for the first.
     * @param {any[]} videos
     * @returns {Promise<string>}  the analysis' id
     */
    async analyse(...videos) {
        this.start();
        await this.tell({ type: "videos.found", videos });
        return this.askFor(videos[0].videoId);
    }

    /**
     * @param {string} videoId
     * @param {boolean} [again]
     * @returns {Promise<string>}
     */
    async askFor(videoId, again = false) {
        const answer = await this.ask({ type: "video.ask", place: this.place(videoId), again });
        assert.equal(answer.problem, undefined);
        return answer.analysisId;
    }

    /**
     * @param {string} id
     * @returns {any}
     */
    stored(id) {
        return this.browser.storedAnalyses().find((analysis) => analysis.id === id);
    }

    /**
     * A file on the page, and the summary of the video that shows it.
     * @param {string} videoId
     * @param {Buffer} bytes
     */
    addFile(videoId, bytes) {
        this.site.files.set(`/${videoId}.mp4`, { type: "video/mp4", bytes });
        return this.summary(videoId, { source: { kind: "http", url: `${this.site.url}/${videoId}.mp4` } });
    }

    /**
     * @param {string} videoId
     * @param {object} [members]
     */
    summary(videoId, members = {}) {
        return {
            videoId, source: { kind: "stream" }, durationSeconds: 10, widthPixels: 640, heightPixels: 360, isVisible: true,
            isProtected: false, ...members,
        };
    }

    /**
     * The analysis' state once it meets a condition.
     * @param {(analysis: any) => boolean} isMet
     * @param {string} [wanted]
     * @returns {Promise<any>}
     */
    async until(isMet, wanted = String(isMet)) {
        const deadline = performance.now() + PATIENCE_MILLISECONDS;
        while (performance.now() < deadline) {
            const found = this.browser.storedAnalyses().find(isMet);
            if (found) return found;
            await new Promise((resolve) => setWorldTimeout(resolve, 2));
        }
        const found = JSON.stringify(this.browser.storedAnalyses(), null, 1);
        assert.fail(`no analysis met ${wanted}: ${found}\n${this.browser.areas.session.get("events")}`);
    }

    /** @param {string} [id] @returns {Promise<any>} */
    ended(id) {
        return this.until((analysis) => ENDS.includes(analysis.state) && (!id || analysis.id === id), "its end");
    }

    /** @param {() => boolean} isMet */
    async when(isMet) {
        const deadline = performance.now() + PATIENCE_MILLISECONDS;
        while (!isMet()) {
            assert(performance.now() < deadline, `never: ${isMet}`);
            await new Promise((resolve) => setWorldTimeout(resolve, 2));
        }
    }
}

/**
 * A page whose content script sends frames, over ports, to whichever machine lives.
 * @param {World} world
 * @param {{jpegs?: Buffer[], times?: number[], problem?: object, isBusy?: () => boolean}} clip
 */
export function pageWithFrames(world, { jpegs = [], times = [], problem, isBusy = () => false }) {
    return async (/** @type {any} */ _, /** @type {any} */ message) => {
        if (message.type === "video.measure") return { gone: false };
        if (message.type !== "clip.read") return undefined;
        if (isBusy()) return { accepted: false };
        setTimeout(() => sendClip(world, message.analysisId, { jpegs, times, problem }));
        return { accepted: true };
    };
}

/**
 * @param {World} world
 * @param {string} analysisId
 * @param {{jpegs: Buffer[], times: number[], problem?: object}} clip
 */
function sendClip(world, analysisId, { jpegs, times, problem }) {
    const { life, machine } = world;
    /** @type {((message: any) => void)[]} */
    const toMachine = [];
    const messages = problem
        ? [{ kind: "failed", problem }]
        : [
            { kind: "head", mediaType: "video/x-motion-jpeg", length: jpegs.reduce((length, { length: each }) => length + each, 0),
                frameTimesSeconds: times },
            ...jpegs.map((jpeg) => ({ kind: "bytes", base64: jpeg.toString("base64") })),
            { kind: "end" },
        ];
    const next = () => {
        const message = messages.shift();
        if (!message || life.isOver) return;
        for (const listener of toMachine) listener(message);
        if (message.kind === "head") next();
    };
    const port = {
        name: `clip:${analysisId}`,
        sender: world.contentSender(),
        postMessage: (/** @type {any} */ message) => {
            if (message.kind === "more") setTimeout(next);
        },
        disconnect: () => messages.splice(0),
        onMessage: { addListener: (/** @type {(message: any) => void} */ listener) => toMachine.push(listener) },
        onDisconnect: { addListener: () => undefined },
    };
    machine?.connect(port);
    setTimeout(next, 5);
}
