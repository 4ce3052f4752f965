// @ts-check
import assert from "node:assert/strict";
import test from "node:test";
import { mp4Bytes } from "./world/clip-server.js";
import { problem, VERDICT } from "./world/gateway-server.js";
import { JPEGS, TIMES } from "./world/jpegs.js";
import { pageWithFrames, World } from "./world/world.js";

/** Who asks for what, once or again; how it is stopped and erased; what the badges are told. */

const BYTES = mp4Bytes(50_000);
/** A page that is there, and whose videos cannot be read by it. */
const QUIET_PAGE = async () => ({ accepted: false, gone: true, done: true });

test("two clicks at once are one question", async (context) => {
    const world = await new World().open(context);
    world.start();
    await world.tell({ type: "videos.found", videos: [world.addFile("v1", BYTES)] });
    const ids = await Promise.all([world.askFor("v1"), world.askFor("v1"), world.askFor("v1")]);
    await world.tell({ type: "analysis.ask", videoId: "v1", again: false });
    assert.equal(new Set(ids).size, 1);
    await world.ended(ids[0]);
    assert.equal(world.gateway.jobs.size, 1);
});

test("a file that was judged shows its verdict in another tab at once; again asks anew", async (context) => {
    const world = await new World().open(context);
    const video = world.addFile("v1", BYTES);
    const id = await world.analyse(video);
    await world.ended(id);
    world.tabId = 8;
    world.documentId = "FEDCBA9876543210FEDCBA9876543210";
    const { badges } = await world.tell({ type: "videos.found", videos: [{ ...video, videoId: "w1", durationSeconds: 10.2 }] });
    assert.equal(badges[0].view.state, "succeeded");
    assert.equal(await world.askFor("w1"), id);
    assert.equal(world.gateway.jobs.size, 1);
    const again = await world.askFor("w1", true);
    assert.notEqual(again, id);
    await world.ended(again);
    assert.equal(world.gateway.callsTo("POST /api/jobs")[1].query.get("fresh"), "true");
    assert.equal(world.gateway.jobs.size, 2);
});

test("a file of another length is another video", async (context) => {
    const world = await new World().open(context);
    const video = world.addFile("v1", BYTES);
    await world.ended(await world.analyse(video));
    const { badges } = await world.tell({ type: "videos.found", videos: [video, { ...video, videoId: "w1", durationSeconds: 30 }] });
    assert.deepEqual(badges.map((/** @type {any} */ { view }) => view.state), ["succeeded", "idle"]);
});

test("bytes that were judged are not sent again", async (context) => {
    const world = await new World().open(context);
    const first = await world.analyse(world.addFile("v1", BYTES), world.addFile("v2", BYTES));
    const { jobId } = await world.ended(first);
    const second = await world.ended(await world.askFor("v2"));
    assert.equal(second.state, "succeeded");
    assert.equal(second.jobId, jobId);
    assert.equal(second.isReused, true);
    assert.deepEqual(second.verdict, VERDICT);
    assert.equal(world.gateway.callsTo("POST").length, 1);
    await world.when(() => world.clips.clips.size === 0);
});

test("no more than the settings say are read and sent at a time, visible ones first", async (context) => {
    const world = await new World().open(context);
    await world.set({ parallelAnalyses: 2 });
    const names = ["v1", "v2", "v3", "v4", "v5", "v6"];
    const videos = names.map((name, index) => ({ ...world.addFile(name, mp4Bytes(20_000, index + 1)), isVisible: index >= 3 }));
    let most = 0;
    world.gateway.refuse = () => {
        const busy = world.browser.storedAnalyses().filter(({ state }) => state === "reading" || state === "uploading").length;
        most = Math.max(most, busy);
        return null;
    };
    await world.set({ gatewayUrl: "", parallelAnalyses: 2 });
    await world.analyse(...videos);
    for (const name of names) await world.askFor(name);
    await world.set({ parallelAnalyses: 2 });
    await world.when(() => world.browser.storedAnalyses().every(({ state }) => state === "succeeded"));
    assert.equal(most, 2);
    assert.equal(world.gateway.jobs.size, 6);
    const ids = world.gateway.callsTo("POST").map(({ headers }) => String(headers["idempotency-key"]).slice(1, 37));
    assert.deepEqual(ids.map((id) => world.stored(id).isVisible), [true, true, true, false, false, false]);
});

test("a site that is allowed has its videos analysed unasked, and no other", async (context) => {
    const world = await new World().open(context);
    await world.set({ sites: { [world.site.url ?? ""]: { analysis: "automatic", showsBadges: true } } });
    world.start();
    const video = world.addFile("v1", BYTES);
    await world.tell({ type: "videos.found", videos: [video, world.summary("v2", { source: { kind: "none" } })] });
    const analysis = await world.ended();
    assert.equal(analysis.isAutomatic, true);
    assert.equal(world.browser.storedAnalyses().length, 1);
    await world.tell({ type: "videos.found", videos: [video] });
    assert.equal(world.browser.storedAnalyses().length, 1);
});

test("a page that brings ever more videos does not fill the queue", async (context) => {
    const world = await new World().open(context);
    await world.set({ sites: { [world.site.url ?? ""]: { analysis: "automatic", showsBadges: true } } });
    world.gateway.refuse = () => "silent";
    world.start();
    const videos = [...Array(200)].map((_, index) => world.summary(`v${index}`));
    world.browser.page = () => new Promise(() => undefined);
    await world.tell({ type: "videos.found", videos });
    assert.equal(world.browser.storedAnalyses().length, 50);
});

test("what is read is stopped, and its page told", async (context) => {
    const world = await new World().open(context);
    /** @type {any[]} */
    const told = [];
    world.browser.page = async (_, message) => {
        told.push(message);
        return { accepted: true };
    };
    const id = await world.analyse(world.summary("v1"));
    await world.when(() => told.some(({ type }) => type === "clip.read"));
    await world.ask({ type: "analysis.stop", analysisId: id });
    assert.equal(world.stored(id).state, "cancelled");
    await world.when(() => told.some(({ type, analysisId }) => type === "clip.stop" && analysisId === id));
});

test("what is on its way in pieces is stopped, and ended at the gateway", async (context) => {
    const world = await new World().open(context);
    world.uploadBytes = { whole: 1000, piece: 10_000 };
    world.gateway.lose = ({ method, headers }) => (method === "PATCH" && headers["upload-offset"] === "20000" ? "silent" : null);
    const id = await world.analyse(world.addFile("v1", BYTES));
    await world.when(() => world.gateway.callsTo("PATCH").length === 3);
    await world.tell({ type: "analysis.cancel", videoId: "v1" });
    assert.equal(world.stored(id).state, "cancelled");
    await world.when(() => world.gateway.uploads.size === 0 && world.clips.clips.size === 0);
    assert.equal(world.gateway.jobs.size, 0);
});

test("a job is cancelled at the gateway, however often that has to be tried", async (context) => {
    const world = await new World().open(context);
    world.gateway.step = () => undefined;
    const id = await world.analyse(world.addFile("v1", BYTES));
    const { jobId } = await world.until((each) => each.state === "queued");
    let refusals = 3;
    world.gateway.refuse = ({ path }) => (path.endsWith("/cancel") && (refusals -= 1) >= 0 ? problem(503, "database_unavailable") : null);
    await world.ask({ type: "analysis.stop", analysisId: id });
    assert.equal(world.stored(id).isStopping, true);
    const stopped = await world.ended(id);
    assert.equal(stopped.state, "cancelled");
    assert.equal(stopped.isStopping, undefined);
    assert.equal(world.gateway.jobs.get(jobId).state, "cancelled");
});

test("a stop that comes too late leaves the verdict", async (context) => {
    const world = await new World().open(context);
    world.gateway.step = () => undefined;
    const id = await world.analyse(world.addFile("v1", BYTES));
    const { jobId } = await world.until((each) => each.state === "queued");
    Object.assign(world.gateway.jobs.get(jobId), { state: "succeeded", verdict: VERDICT, revision: 2 });
    await world.ask({ type: "analysis.stop", analysisId: id });
    assert.equal((await world.ended(id)).state, "succeeded");
});

test("erasing removes the job, and everything here that belongs to it", async (context) => {
    const world = await new World().open(context);
    const first = await world.analyse(world.addFile("v1", BYTES), world.addFile("v2", BYTES));
    await world.ended(first);
    const second = await world.askFor("v2");
    await world.ended(second);
    assert.deepEqual(await world.ask({ type: "analysis.erase", analysisId: first }), {});
    assert.equal(world.gateway.jobs.size, 0);
    assert.deepEqual(world.browser.storedAnalyses(), []);
    const { problem: unknown } = await world.ask({ type: "analysis.erase", analysisId: first });
    assert.equal(unknown.code, "unknown_analysis");
});

test("where the gateway does not erase, nothing is erased here, and the reason is told", async (context) => {
    const world = await new World().open(context);
    const id = await world.analyse(world.addFile("v1", BYTES));
    await world.ended(id);
    world.gateway.refuse = ({ method }) => (method === "DELETE" ? problem(403, "scope_missing") : null);
    const answer = await world.ask({ type: "analysis.erase", analysisId: id });
    assert.equal(answer.problem.code, "scope_missing");
    assert(world.stored(id));
    world.gateway.refuse = ({ method }) => (method === "DELETE" ? problem(404, "not_found") : null);
    await world.ask({ type: "analysis.erase", analysisId: id });
    assert.equal(world.stored(id), undefined);
});

test("everything is forgotten", async (context) => {
    const world = await new World().open(context);
    world.uploadBytes = { whole: 1000, piece: 10_000 };
    world.gateway.lose = ({ method }) => (method === "PATCH" ? "silent" : null);
    await world.analyse(world.addFile("v1", BYTES));
    await world.when(() => world.gateway.callsTo("PATCH").length > 0);
    assert.deepEqual(await world.ask({ type: "everything.forget" }), {});
    assert.deepEqual(world.browser.storedAnalyses(), []);
    assert.equal(world.browser.areas.local.has("settings"), false);
    assert.equal(world.clips.clips.size, 0);
});

test("again without its page goes by the file's address", async (context) => {
    const world = await new World().open(context);
    const id = await world.analyse(world.addFile("v1", BYTES));
    await world.ended(id);
    world.machine?.tabRemoved(world.tabId);
    await world.until((each) => each.id === id && each.place === undefined);
    const { analysisId } = await world.ask({ type: "analysis.again", analysisId: id });
    assert.equal((await world.ended(analysisId)).state, "succeeded");
    assert.equal(world.gateway.callsTo("POST")[1].query.get("fresh"), "true");
});

test("a tab that is closed ends what only it could show", async (context) => {
    const world = await new World().open(context);
    world.browser.page = async () => ({ accepted: true });
    const id = await world.analyse(world.summary("v1"));
    await world.until((each) => each.state === "reading");
    world.browser.page = async () => {
        throw new Error("Could not establish connection.");
    };
    world.machine?.tabRemoved(world.tabId);
    await world.until((each) => each.id === id && each.place === undefined);
    world.start();
    const analysis = await world.ended(id);
    assert.equal(analysis.state, "unreadable");
    assert.equal(analysis.problem.code, "page_gone");
});

test("a file whose page is gone waits for a page that shows it again", async (context) => {
    const world = await new World().open(context);
    const video = world.addFile("v1", BYTES);
    // The gateway may be talked to, the page's host may not: only the page itself can read the file.
    await world.set({ gatewayUrl: "" });
    world.browser.hosts.clear();
    world.browser.hosts.add("http://localhost/*");
    const id = await world.analyse(video);
    world.machine?.tabRemoved(world.tabId);
    await world.until((each) => each.place === undefined);
    await world.set({ gatewayUrl: world.gateway.url?.replace("127.0.0.1", "localhost") });
    const waiting = await world.until((each) => each.problem?.code === "page_gone");
    assert.equal(waiting.state, "waiting");
    world.documentId = "FEDCBA9876543210FEDCBA9876543210";
    const drawing = pageWithFrames(world, { jpegs: JPEGS, times: TIMES });
    const failing = pageWithFrames(world, { problem: { code: "reading_failed", detail: "no CORS" } });
    world.browser.page = (place, message) => (message.method === "file" ? failing : drawing)(place, message);
    await world.tell({ type: "videos.found", videos: [{ ...video, videoId: "w1" }] });
    const analysis = await world.ended(id);
    assert.equal(analysis.state, "succeeded");
    assert.equal(analysis.place.videoId, "w1");
});

test("after the browser's restart, what only a page could read waits for one, and a stream's is given up", async (context) => {
    const world = await new World().open(context);
    world.browser.hosts.clear();
    await world.set({ gatewayUrl: "" });
    const file = await world.analyse(world.addFile("v1", BYTES), world.summary("v2"));
    const stream = await world.askFor("v2");
    world.browser.restart();
    world.browser.page = () => assert.fail("a page that is gone is asked nothing");
    world.start();
    await world.set({ gatewayUrl: "http://127.0.0.1:9" });
    await world.until((each) => each.id === file && each.state === "waiting" && each.problem?.code === "page_gone");
    assert.equal((await world.ended(stream)).problem.code, "page_gone");
});

test("badges are told what their videos have, hidden ones too", async (context) => {
    const world = await new World().open(context);
    /** @type {any[]} */
    const told = [];
    world.browser.page = async (_, message) => {
        told.push(message);
        return QUIET_PAGE();
    };
    const id = await world.analyse(world.addFile("v1", BYTES));
    await world.ended(id);
    await world.when(() => told.some(({ type, videoId, view }) => type === "badge.show" && videoId === "v1" && view.state === "succeeded"));
    const found = await world.tell({ type: "videos.found", videos: [world.addFile("v1", BYTES), world.summary("v2")] });
    assert.equal(found.showsBadges, true);
    assert.deepEqual(found.badges.map((/** @type {any} */ { videoId, view }) => [videoId, view.state]),
        [["v1", "succeeded"], ["v2", "idle"]]);
    await world.tell({ type: "badges.hide" });
    await world.when(() => told.some(({ type, showsBadges }) => type === "badges.show" && showsBadges === false));
    assert.equal((await world.tell({ type: "videos.found", videos: [] })).showsBadges, false);
});

test("a panel is opened within the click, and goes on to the new analysis", async (context) => {
    const world = await new World().open(context);
    world.browser.page = QUIET_PAGE;
    world.start();
    await world.tell({ type: "videos.found", videos: [world.addFile("v1", BYTES)] });
    const opening = world.tell({ type: "panel.open", videoId: "v1" });
    assert.deepEqual(world.browser.openedPanels, [world.tabId], "before anything was awaited");
    await opening;
    const key = `panel:${world.tabId}`;
    assert.deepEqual((await world.browser.readStorage("session", key))[key], { place: world.place("v1") });
    const id = await world.askFor("v1");
    assert.equal((await world.browser.readStorage("session", key))[key], id);
    await world.ended(id);
    const again = await world.askFor("v1", true);
    assert.equal((await world.browser.readStorage("session", key))[key], again);
    await world.ended(again);
});

test("a time is sought in the tab that is in front", async (context) => {
    const world = await new World().open(context);
    /** @type {any[]} */
    const sought = [];
    world.browser.page = async (place, message) => {
        if (message.type === "video.seek") sought.push([place.tabId, message.seconds]);
        return { done: true, accepted: false, gone: true };
    };
    const video = world.addFile("v1", BYTES);
    const id = await world.analyse(video);
    await world.ended(id);
    world.tabId = 9;
    world.documentId = "FEDCBA9876543210FEDCBA9876543210";
    await world.tell({ type: "videos.found", videos: [video] });
    world.browser.shownTabs = [9];
    assert.deepEqual(await world.ask({ type: "analysis.seek", analysisId: id, seconds: 1.5 }), { done: true });
    assert.deepEqual(sought, [[9, 1.5]]);
});

test("a tab's videos are told when its frames have told, and a page that lets nobody in is not waited for", async (context) => {
    const world = await new World().open(context);
    world.browser.page = QUIET_PAGE;
    world.start();
    /** @type {string[][]} */
    const injected = [];
    world.browser.runInFrames = async () => [{ frameId: 0, documentId: world.documentId, result: false }];
    world.browser.injectFiles = async (/** @type {any[]} */ ...[, documentIds]) => {
        injected.push(documentIds);
        setTimeout(() => world.tell({ type: "videos.found", videos: [world.addFile("v1", BYTES)] }), 20);
    };
    const { videos } = await world.ask({ type: "tab.videos", tabId: world.tabId });
    assert.deepEqual(videos.map((/** @type {any} */ { place, analysis }) => [place, analysis]), [[world.place("v1"), null]]);
    assert.deepEqual(injected, [[world.documentId]]);
    world.browser.runInFrames = async () => {
        throw new Error("Cannot access a chrome:// URL");
    };
    assert.equal((await world.ask({ type: "tab.videos", tabId: world.tabId })).problem.code, "page_refused");
    world.browser.runInFrames = () => new Promise(() => undefined);
    assert.equal((await world.ask({ type: "tab.videos", tabId: world.tabId })).videos.length, 1);
});

test("a frame whose document is gone is forgotten with its analyses' places", async (context) => {
    const world = await new World().open(context);
    world.browser.page = async () => ({ accepted: true });
    const id = await world.analyse(world.summary("v1"));
    await world.until((each) => each.state === "reading");
    world.browser.runInFrames = async () => [{ frameId: 0, documentId: "FEDCBA9876543210FEDCBA9876543210", result: true }];
    await world.ask({ type: "tab.videos", tabId: world.tabId });
    assert.equal(world.stored(id).place, undefined);
});
