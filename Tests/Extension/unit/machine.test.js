// @ts-check
import assert from "node:assert/strict";
import test from "node:test";
import { mp4Bytes } from "./world/clip-server.js";
import { problem, VERDICT } from "./world/gateway-server.js";
import { pageWithFrames, World } from "./world/world.js";

const JPEGS = [...Array(16)].map((_, index) => Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), mp4Bytes(2000, index + 1), Buffer.from([0xff, 0xd9])]));
const TIMES = JPEGS.map((_, index) => index * 0.5 + 0.04);

test("a short file goes whole, with a key and a digest, and its verdict comes", async (context) => {
    const world = await new World().open(context);
    const bytes = mp4Bytes(100_000);
    const video = world.addFile("v1", bytes);
    world.start();
    await world.tell({ type: "videos.found", videos: [video] });
    const { analysisId } = await world.ask({ type: "video.ask", place: world.place("v1"), again: false });
    const analysis = await world.ended(analysisId);
    assert.equal(analysis.state, "succeeded");
    assert.deepEqual(analysis.verdict, VERDICT);
    assert.equal(analysis.method, "file");
    const [submission] = world.gateway.callsTo("POST /api/jobs");
    assert.equal(Buffer.compare(submission.body, bytes), 0);
    assert.equal(submission.headers["content-type"], "video/mp4");
    assert(submission.headers["idempotency-key"]?.includes(analysisId));
    assert(submission.headers["repr-digest"]);
    assert.equal(world.gateway.jobs.size, 1);
    await world.when(() => world.clips.clips.size === 0);
});
