// @ts-check
import assert from "node:assert/strict";
import test from "node:test";
import { JPEGS, TIMES } from "./world/jpegs.js";
import { mp4Bytes } from "./world/clip-server.js";
import { pageWithFrames, World } from "./world/world.js";

/**
 * The service worker is ended after each of its effects in turn, and another begins over the same storage: whatever was under way comes to
 * its end, and exactly one job was made.
 */

const SHORT = mp4Bytes(300_000);
const LONG = mp4Bytes(2_500_000);

/** @type {Record<string, (world: World) => any>} the video of each scenario */
const SCENARIOS = {
    "a short file": (world) => world.addFile("v1", SHORT),
    "a long file": (world) => world.addFile("v1", LONG),
    "an address that the gateway fetches": (world) => {
        world.gateway.takesUrls = true;
        return world.summary("v1", { source: { kind: "http", url: `${world.site.url}/missing.mp4` } });
    },
    "frames": (world) => {
        world.browser.page = pageWithFrames(world, { jpegs: JPEGS, times: TIMES });
        return world.summary("v1");
    },
};

for (const [name, videoOf] of Object.entries(SCENARIOS)) {
    test(`${name}, with the service worker ended after every effect`, async (context) => {
        const count = await effectsOf(context, videoOf);
        assert(count > 5);
        for (let effects = 1; effects <= count; effects += 1) await endAfter(context, videoOf, effects, false);
    });
}

test("a short file, with the browser ended after every effect", async (context) => {
    const videoOf = SCENARIOS["a short file"];
    const count = await effectsOf(context, videoOf);
    for (let effects = 1; effects <= count; effects += 1) await endAfter(context, videoOf, effects, true);
});

test("a long file, with the service worker ended again and again", async (context) => {
    const world = await openWorld(context, SCENARIOS["a long file"]);
    await begin(world, 15);
    for (let round = 0; round < 40 && !world.browser.storedAnalyses().some(({ state }) => state === "succeeded"); round += 1) {
        await begin(world, 40);
    }
    await check(world, "again and again");
});

/**
 * @param {import("node:test").TestContext} context
 * @param {(world: World) => any} videoOf
 */
async function openWorld(context, videoOf) {
    const world = await new World().open(context);
    await world.set({ allowsUrls: true });
    world.uploadBytes = { whole: 1_000_000, piece: 700_000 };
    Object.assign(world, { video: videoOf(world) });
    return world;
}

/**
 * @param {import("node:test").TestContext} context
 * @param {(world: World) => any} videoOf
 */
async function effectsOf(context, videoOf) {
    const world = await openWorld(context, videoOf);
    await begin(world, Infinity);
    await world.ended();
    await world.when(() => world.clips.clips.size === 0);
    return world.life.effects;
}

/**
 * @param {import("node:test").TestContext} context
 * @param {(world: World) => any} videoOf
 * @param {number} effects
 * @param {boolean} isBrowserEnded
 */
async function endAfter(context, videoOf, effects, isBrowserEnded) {
    const world = await openWorld(context, videoOf);
    await begin(world, effects);
    if (isBrowserEnded) {
        world.browser.restart();
        world.documentId = "FEDCBA9876543210FEDCBA9876543210";
    }
    await begin(world, Infinity);
    await check(world, `${effects} effects`);
}

/**
 * Starts a service worker over what is stored, and has its video asked for where that was not done; until its end, or the analysis'.
 * @param {World & {video?: any}} world
 * @param {number} effects
 */
async function begin(world, effects) {
    world.start(effects);
    const { life } = world;
    const asking = async () => {
        await world.tell({ type: "videos.found", videos: [world.video] });
        if (world.browser.storedAnalyses().length === 0) await world.ask({ type: "video.ask", place: world.place("v1"), again: false });
        await world.ended();
    };
    await Promise.race([life.ended, asking()]);
}

/**
 * @param {World} world
 * @param {string} when
 */
async function check(world, when) {
    const analysis = await world.ended();
    assert.equal(analysis.state, "succeeded", `${when}: ${JSON.stringify(analysis)}`);
    assert.equal(world.browser.storedAnalyses().length, 1, when);
    assert.equal(world.gateway.jobs.size, 1, `${when}: ${world.gateway.calls.map(({ method, path }) => `${method} ${path}`).join(", ")}`);
    await world.when(() => world.clips.clips.size === 0);
    world.life.end();
}
