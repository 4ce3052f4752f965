// @ts-check
import assert from "node:assert/strict";
import test from "node:test";
import { mp4Bytes } from "./world/clip-server.js";
import { problem, VERDICT } from "./world/gateway-server.js";
import { JPEGS, TIMES } from "./world/jpegs.js";
import { pageWithFrames, World } from "./world/world.js";

/** A clip's way to the gateway, and what the gateway makes of it. */

const BYTES = mp4Bytes(100_000);

test("a short file goes whole, with a key and a digest, and its verdict comes", async (context) => {
    const world = await new World().open(context);
    const id = await world.analyse(world.addFile("v1", BYTES));
    const analysis = await world.ended(id);
    assert.equal(analysis.state, "succeeded");
    assert.deepEqual(analysis.verdict, VERDICT);
    assert.equal(analysis.method, "file");
    assert.equal(analysis.pageTitle, "A page");
    assert.equal(analysis.pageOrigin, world.site.url);
    const [submission] = world.gateway.callsTo("POST /api/jobs");
    assert.equal(Buffer.compare(submission.body, BYTES), 0);
    assert.equal(submission.headers["content-type"], "video/mp4");
    assert.match(String(submission.headers["idempotency-key"]), new RegExp(`^"${id}-[0-9a-f]{32}"$`));
    assert.match(String(submission.headers["repr-digest"]), /^sha-256=:.{44}:$/);
    assert.equal(submission.query.get("options"), null);
    await world.when(() => world.clips.clips.size === 0);
    await world.when(() => !world.browser.alarms.has("queue"));
});

test("a long file goes in pieces of 4 MiB, with its type in the upload's metadata", async (context) => {
    const world = await new World().open(context);
    const bytes = mp4Bytes((9 << 20) + 5);
    const analysis = await world.ended(await world.analyse(world.addFile("v1", bytes)));
    assert.equal(analysis.state, "succeeded");
    const pieces = world.gateway.callsTo("PATCH /api/uploads");
    assert.deepEqual(pieces.map(({ body }) => body.length), [4 << 20, 4 << 20, (1 << 20) + 5]);
    assert.equal(Buffer.compare(Buffer.concat(pieces.map(({ body }) => body)), bytes), 0);
    const [{ metadata }] = world.gateway.uploads.values();
    assert.deepEqual(metadata, { filetype: "video/mp4" });
    assert.equal(analysis.upload, undefined);
});

test("frames are marked as encoded again, with their times", async (context) => {
    const world = await new World().open(context);
    world.browser.page = pageWithFrames(world, { jpegs: JPEGS, times: TIMES });
    const analysis = await world.ended(await world.analyse(world.summary("v1")));
    assert.equal(analysis.state, "succeeded");
    assert.equal(analysis.method, "frames");
    const [submission] = world.gateway.callsTo("POST /api/jobs");
    assert.equal(submission.headers["content-type"], "video/x-motion-jpeg");
    assert.equal(Buffer.compare(submission.body, Buffer.concat(JPEGS)), 0);
    assert.deepEqual(JSON.parse(submission.query.get("options") ?? ""), { frameTimesSeconds: TIMES, reencodedBy: "canvas" });
});

test("an answer that is lost makes no second job", async (context) => {
    const world = await new World().open(context);
    let lost = 0;
    world.gateway.lose = ({ method }) => (method === "POST" && (lost += 1) <= 2 ? "reset" : null);
    const analysis = await world.ended(await world.analyse(world.addFile("v1", BYTES)));
    assert.equal(analysis.state, "succeeded");
    assert.equal(world.gateway.jobs.size, 1);
    assert.equal(world.gateway.callsTo("POST /api/jobs").length, 3);
});

test("pieces whose answers are lost are not sent twice", async (context) => {
    const world = await new World().open(context);
    world.uploadBytes = { whole: 1000, piece: 40_000 };
    let lost = 0;
    world.gateway.lose = ({ method }) => (method === "PATCH" && (lost += 1) % 2 === 1 ? "reset" : null);
    const analysis = await world.ended(await world.analyse(world.addFile("v1", BYTES)));
    assert.equal(analysis.state, "succeeded");
    assert.deepEqual(world.gateway.callsTo("PATCH").map(({ body }) => body.length), [40_000, 40_000, 20_000]);
    assert.equal(world.gateway.jobs.size, 1);
});

test("an upload that the gateway forgot begins anew", async (context) => {
    const world = await new World().open(context);
    world.uploadBytes = { whole: 1000, piece: 40_000 };
    let patches = 0;
    world.gateway.refuse = ({ method }) => {
        if (method === "PATCH" && (patches += 1) === 2) world.gateway.uploads.clear();
        return null;
    };
    const analysis = await world.ended(await world.analyse(world.addFile("v1", BYTES)));
    assert.equal(analysis.state, "succeeded");
    assert.equal(world.gateway.callsTo("POST /api/uploads").length, 2);
    assert.equal(world.gateway.jobs.size, 1);
});

test("an upload that is forgotten after it became a job is found by its job", async (context) => {
    const world = await new World().open(context);
    world.uploadBytes = { whole: 1000, piece: 200_000 };
    world.gateway.lose = ({ method }) => {
        if (method !== "PATCH") return null;
        world.gateway.uploads.clear();
        return "reset";
    };
    const analysis = await world.ended(await world.analyse(world.addFile("v1", BYTES)));
    assert.equal(analysis.state, "succeeded");
    assert.equal(world.gateway.jobs.size, 1);
    assert.equal(world.gateway.callsTo("POST /api/uploads").length, 1);
});

test("an upload that is lost again and again comes to an end", async (context) => {
    const world = await new World().open(context);
    world.uploadBytes = { whole: 1000, piece: 40_000 };
    world.gateway.refuse = ({ method }) => (method === "PATCH" ? problem(404, "not_found") : null);
    const id = await world.analyse(world.addFile("v1", BYTES));
    const analysis = await world.until((each) => each.id === id && each.failures >= 4 && each.state === "waiting");
    assert.equal(analysis.problem.code, "upload_gone");
});

test("an address goes to a gateway that takes them, and its job is made once", async (context) => {
    const world = await new World().open(context);
    await world.set({ allowsUrls: true });
    world.gateway.takesUrls = true;
    world.browser.page = frameless(world);
    const url = `${world.site.url}/not-to-be-read.mp4`;
    const analysis = await world.ended(await world.analyse(world.summary("v1", { source: { kind: "http", url } })));
    assert.equal(analysis.state, "succeeded");
    assert.equal(analysis.method, "url");
    assert.deepEqual(analysis.methodNotes, ["reading_failed"]);
    assert.deepEqual(JSON.parse(String(world.gateway.callsTo("POST /api/jobs")[0].body)), { url });
});

test("where the gateway takes no addresses, frames are drawn", async (context) => {
    const world = await new World().open(context);
    await world.set({ allowsUrls: true });
    world.browser.page = frameless(world);
    const source = { kind: "http", url: `${world.site.url}/none.mp4` };
    const analysis = await world.ended(await world.analyse(world.summary("v1", { source })));
    assert.equal(analysis.state, "succeeded");
    assert.equal(analysis.method, "frames");
    assert.deepEqual(analysis.methodNotes, ["reading_failed", "url_jobs_off"]);
});

test("where the gateway cannot fetch, frames are drawn", async (context) => {
    const world = await new World().open(context);
    await world.set({ allowsUrls: true });
    world.gateway.takesUrls = true;
    world.gateway.step = (job) => Object.assign(job, job.uploadSha256
        ? { state: "succeeded", verdict: VERDICT } : { state: "failed", error: { code: "fetch_failed", message: "403" } });
    world.browser.page = frameless(world);
    const source = { kind: "http", url: `${world.site.url}/none.mp4` };
    const analysis = await world.ended(await world.analyse(world.summary("v1", { source })));
    assert.equal(analysis.state, "succeeded");
    assert.equal(analysis.method, "frames");
    assert.deepEqual(analysis.methodNotes, ["reading_failed", "fetch_failed"]);
});

test("a job that fails, dies or is erased elsewhere ends the analysis with its reason", async (context) => {
    /** @type {[object | null, string][]} */
    const cases = [
        [{ state: "failed", error: { code: "not_a_video", message: "no" } }, "not_a_video"],
        [{ state: "dead", error: { code: "worker_lost", message: "lost" } }, "worker_lost"],
        [null, "erased"],
    ];
    for (const [change, code] of cases) {
        const world = await new World().open(context);
        world.gateway.step = (job) => {
            if (change) Object.assign(job, change);
        };
        if (!change) world.gateway.refuse = ({ method }) => (method === "GET" ? problem(404, "not_found") : null);
        const analysis = await world.ended(await world.analyse(world.addFile("v1", BYTES)));
        assert.equal(analysis.state, "failed");
        assert.equal(analysis.problem.code, code);
        assert(analysis.endedAt);
    }
});

test("a proxy's 404 is no erased job", async (context) => {
    const world = await new World().open(context);
    let count = 0;
    world.gateway.refuse = ({ method, path }) => {
        const isPoll = method === "GET" && path.startsWith("/api/jobs");
        return isPoll && (count += 1) < 3 ? { status: 404, headers: { "Content-Type": "text/html" }, body: "<h1>Not Found</h1>" } : null;
    };
    const analysis = await world.ended(await world.analyse(world.addFile("v1", BYTES)));
    assert.equal(analysis.state, "succeeded");
});

test("a gateway that has other bytes than were sent is not believed", async (context) => {
    const world = await new World().open(context);
    world.gateway.step = (job) => Object.assign(job, { state: "succeeded", verdict: VERDICT, uploadSha256: "00".repeat(32) });
    const analysis = await world.ended(await world.analyse(world.addFile("v1", BYTES)));
    assert.equal(analysis.problem.code, "digest_mismatch");
});

/** @param {World} world  whose content script cannot read the file, but can draw frames */
function frameless(world) {
    const drawing = pageWithFrames(world, { jpegs: JPEGS, times: TIMES });
    const failing = pageWithFrames(world, { problem: { code: "reading_failed", detail: "no CORS" } });
    return (/** @type {any} */ place, /** @type {any} */ message) => (message.method === "file" ? failing : drawing)(place, message);
}
