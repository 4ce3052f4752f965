// @ts-check
import assert from "node:assert/strict";
import test from "node:test";
import { mp4Bytes } from "./world/clip-server.js";
import { JPEGS, TIMES } from "./world/jpegs.js";
import { pageWithFrames, World } from "./world/world.js";

/** The ways to a video's picture, and how one follows another. */

const BYTES = mp4Bytes(50_000);

test("a way that fails leads to the next, and what ended it is told", async (context) => {
    /** @type {[string, string[], string][]} the page's problem, the notes, the state */
    const cases = [
        ["tainted", ["tainted", "permission_missing"], "unreadable"],
        ["protected", ["protected"], "unreadable"],
        ["black", ["black"], "unreadable"],
        ["nothing_loaded", ["nothing_loaded"], "unreadable"],
    ];
    for (const [code, notes, state] of cases) {
        const world = await new World().open(context);
        world.browser.page = withMeasure(pageWithFrames(world, { problem: { code, detail: "" } }), { isPaused: false });
        world.browser.captureShownTab = async () => {
            throw new Error("Either the '<all_urls>' or 'activeTab' permission is required.");
        };
        const analysis = await world.ended(await world.analyse(world.summary("v1")));
        assert.equal(analysis.state, state);
        assert.deepEqual(analysis.methodNotes, notes);
        assert.equal(analysis.problem.code, notes.at(-1));
        assert.equal(world.gateway.calls.length, 0);
    }
});

test("a file that is none is not sent", async (context) => {
    const world = await new World().open(context);
    const video = world.addFile("v1", Buffer.from("#EXTM3U\n#EXT-X-VERSION:3\n"));
    const refusing = pageWithFrames(world, { problem: { code: "not_a_video", detail: "" } });
    const drawing = pageWithFrames(world, { jpegs: JPEGS, times: TIMES });
    world.browser.page = (place, message) => (message.method === "file" ? refusing : drawing)(place, message);
    const analysis = await world.ended(await world.analyse(video));
    assert.equal(analysis.state, "succeeded");
    assert.equal(analysis.method, "frames");
    assert.deepEqual(analysis.methodNotes, ["not_a_video"]);
});

test("a file that breaks off is not sent", async (context) => {
    const world = await new World().open(context);
    const video = world.addFile("v1", BYTES);
    world.site.breaks = () => true;
    const analysis = await world.ended(await world.analyse(video));
    assert.equal(analysis.state, "unreadable");
    assert.equal(world.gateway.calls.length, 0);
    assert.equal(world.clips.clips.size, 0);
});

test("a live stream's address is no file", async (context) => {
    const world = await new World().open(context);
    world.browser.page = pageWithFrames(world, { jpegs: JPEGS, times: TIMES });
    const analysis = await world.ended(await world.analyse({ ...world.addFile("v1", BYTES), durationSeconds: null }));
    assert.equal(analysis.method, "frames");
    assert.equal(analysis.isLive, true);
});

test("a file of which the page has loaded nothing is read all the same", async (context) => {
    const world = await new World().open(context);
    const analysis = await world.ended(await world.analyse({ ...world.addFile("v1", BYTES), durationSeconds: null, widthPixels: 0 }));
    assert.equal(analysis.state, "succeeded");
    assert.equal(analysis.method, "file");
});

test("a video that is busy with an earlier reading is asked again", async (context) => {
    const world = await new World().open(context);
    let busy = 2;
    world.browser.page = pageWithFrames(world, { jpegs: JPEGS, times: TIMES, isBusy: () => (busy -= 1) >= 0 });
    assert.equal((await world.ended(await world.analyse(world.summary("v1")))).state, "succeeded");
});

test("frames whose times do not ascend are refused", async (context) => {
    const world = await new World().open(context);
    world.browser.page = pageWithFrames(world, { jpegs: JPEGS, times: [...TIMES].reverse() });
    const analysis = await world.ended(await world.analyse(world.summary("v1")));
    assert.equal(analysis.state, "unreadable");
    assert.equal(analysis.methodNotes[0], "reading_failed");
});

test("a reading that the service worker does not survive is given up in the end", async (context) => {
    const world = await new World().open(context);
    let readings = 0;
    world.browser.page = async (_, message) => {
        if (message.type !== "clip.read") return { gone: true };
        readings += 1;
        return { accepted: true };
    };
    const id = await world.analyse(world.summary("v1"));
    for (let round = 1; round <= 4; round += 1) {
        await world.when(() => readings === round);
        world.start();
    }
    await world.when(() => readings === 5);
    world.start();
    const analysis = await world.ended(id);
    assert.equal(analysis.state, "unreadable");
    assert.equal(analysis.methodNotes[0], "reading_failed");
});

test("a port that nobody waits for is closed, and one of another document", async (context) => {
    const world = await new World().open(context);
    world.browser.page = async () => ({ accepted: true });
    const id = await world.analyse(world.summary("v1"));
    await world.until((each) => each.state === "reading");
    for (const [name, sender] of /** @type {[string, any][]} */ ([
        ["clip:00000000-0000-4000-8000-000000000000", world.contentSender()],
        [`clip:${id}`, { ...world.contentSender(), documentId: "FEDCBA9876543210FEDCBA9876543210" }],
        [`clip:${id}`, { ...world.contentSender(), frameId: 3 }],
        ["other", world.contentSender()],
    ])) {
        let isClosed = false;
        const listeners = { addListener: () => undefined };
        const disconnect = () => {
            isClosed = true;
        };
        world.machine?.connect(/** @type {any} */ ({ name, sender, disconnect, onMessage: listeners, onDisconnect: listeners }));
        await world.when(() => isClosed);
    }
    assert.equal(world.stored(id).state, "reading");
});

/**
 * @param {(place: any, message: any) => Promise<any>} page
 * @param {object} members
 */
function withMeasure(page, members) {
    const measure = {
        rectangle: { x: 0, y: 0, width: 640, height: 360 }, viewport: { width: 1280, height: 720 }, devicePixelRatio: 1,
        currentTimeSeconds: 1, isTop: true,
        isPaused: true, ...members,
    };
    return async (/** @type {any} */ place, /** @type {any} */ message) =>
        message.type === "video.measure" ? measure : page(place, message);
}
