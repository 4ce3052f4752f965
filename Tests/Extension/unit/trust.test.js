// @ts-check
import assert from "node:assert/strict";
import test from "node:test";
import { mp4Bytes } from "./world/clip-server.js";
import { EXTENSION_ORIGIN } from "./world/memory-browser.js";
import { World } from "./world/world.js";

/** Who may say what: hostile pages, content scripts that were taken over, and the extension's own pages. */

const BYTES = mp4Bytes(10_000);

test("only the extension's pages and its content scripts are answered", async (context) => {
    const world = await new World().open(context);
    world.start();
    const content = world.contentSender();
    const senders = [
        {}, { ...content, id: "another" }, { ...content, documentId: undefined }, { ...content, tab: undefined },
        { ...content, documentLifecycle: "prerender" },
        { id: "another", url: `${EXTENSION_ORIGIN}/popup/popup.html` },
    ];
    for (const sender of senders) {
        const answer = await world.machine?.answer({ type: "videos.found", videos: [] }, /** @type {any} */ (sender));
        assert.equal(/** @type {any} */ (answer).problem.code, "message_refused");
    }
});

test("content scripts may not say what the extension's pages may", async (context) => {
    const world = await new World().open(context);
    await world.set({ gatewayKey: "whorl_secret" });
    const id = await world.analyse(world.addFile("v1", BYTES));
    await world.ended(id);
    const messages = [
        { type: "analyses.list", limit: 10 }, { type: "analysis.get", analysisId: id }, { type: "analysis.erase", analysisId: id },
        { type: "diagnostics" },
        { type: "connection.check" }, { type: "everything.forget" }, { type: "site.set", origin: world.site.url, setting: null },
        { type: "tab.videos", tabId: 7 },
        { type: "video.ask", place: world.place("v1"), again: true },
    ];
    for (const message of messages) assert.equal((await world.tell(message)).problem?.code, "message_refused");
    assert(world.stored(id));
});

test("messages that are not as they must be are refused, whatever they hold", async (context) => {
    const world = await new World().open(context);
    world.start();
    const summary = world.summary("v1");
    const messages = [
        null, 7, "videos.found", {}, { type: "toString" }, { type: "__proto__" }, { type: "videos.found" },
        { type: "videos.found", videos: "many" },
        { type: "videos.found", videos: Array(201).fill(summary) },
        { type: "videos.found", videos: [{ ...summary, videoId: "v".repeat(65) }] },
        { type: "videos.found", videos: [{ ...summary, source: { kind: "http", url: "file:///etc/passwd" } }] },
        { type: "videos.found", videos: [{ ...summary, source: { kind: "http", url: `http://a/${"x".repeat(5000)}` } }] },
        { type: "videos.found", videos: [{ ...summary, durationSeconds: NaN }] },
        { type: "videos.found", videos: [{ ...summary, widthPixels: -1 }] },
        { type: "analysis.ask", videoId: "v1", again: "yes" }, { type: "analysis.ask", videoId: { toString: "v1" }, again: false },
    ];
    for (const message of messages) {
        const answer = await world.tell(/** @type {any} */ (message));
        assert.equal(answer.problem?.code, "message_refused", JSON.stringify(message)?.slice(0, 100));
    }
});

test("members that nobody asked for are left out", async (context) => {
    const world = await new World().open(context);
    world.start();
    await world.tell({ type: "videos.found", videos: [{ ...world.summary("v1"), secret: "x", source: { kind: "stream", more: 1 } }] });
    const [frame] = [...world.browser.areas.session].filter(([key]) => key.startsWith("frame:")).map(([, text]) => JSON.parse(text));
    assert.deepEqual(frame.videos, [world.summary("v1")]);
});

test("a content script asks for its own document's videos alone", async (context) => {
    const world = await new World().open(context);
    world.start();
    await world.tell({ type: "videos.found", videos: [world.addFile("v1", BYTES)] });
    const elsewhere = { ...world.contentSender(), documentId: "FEDCBA9876543210FEDCBA9876543210", frameId: 4 };
    const answer = /** @type {any} */ (await world.machine?.answer({ type: "analysis.ask", videoId: "v1", again: false }, elsewhere));
    assert.equal(answer.problem.code, "unknown_video");
    assert.deepEqual(world.browser.storedAnalyses(), []);
});

test("a page that makes its content script talk without end is not listened to without end", async (context) => {
    const world = await new World().open(context);
    world.start();
    let refused = 0;
    for (let count = 0; count < 300; count += 1) {
        const answer = await world.tell({ type: "videos.found", videos: [] });
        if (answer.problem) refused += 1;
    }
    assert(refused > 0);
});

test("a page that tells of very many videos is left with the first", async (context) => {
    const world = await new World().open(context);
    world.start();
    for (let frameId = 0; frameId < 5; frameId += 1) {
        const videos = [...Array(200)].map((_, index) => world.summary(`f${frameId}v${index}`));
        const sender = { ...world.contentSender(), frameId, documentId: `${frameId}123456789ABCDEF0123456789ABCDEF` };
        await world.machine?.answer({ type: "videos.found", videos }, sender);
    }
    const frames = [...world.browser.areas.session].filter(([key]) => key.startsWith("frame:")).map(([, text]) => JSON.parse(text));
    assert.equal(frames.reduce((count, { videos }) => count + videos.length, 0), 400);
});

test("diagnostics tell neither the key nor a page's address", async (context) => {
    const world = await new World().open(context);
    await world.set({ gatewayKey: "whorl_secret", sites: { "https://example.org": { analysis: "ask", showsBadges: true } } });
    const id = await world.analyse(world.addFile("v1", BYTES));
    await world.ended(id);
    world.browser.page = async () => {
        throw new Error(`no such page: ${world.site.url}/v1.mp4?token=x`);
    };
    await world.ask({ type: "analysis.seek", analysisId: id, seconds: 1 });
    const { text } = await world.ask({ type: "diagnostics" });
    assert.match(text, /succeeded/);
    for (const secret of ["whorl_secret", "/v1.mp4", "example.org", "token", "A page"]) {
        assert(!text.includes(secret), `${secret} in ${text}`);
    }
});
