// @ts-check
import assert from "node:assert/strict";
import test from "node:test";
import { mp4Bytes } from "./world/clip-server.js";
import { problem } from "./world/gateway-server.js";
import { World } from "./world/world.js";

/** A gateway that is down, refuses, or asks to wait; storage that is full; clocks that are set. */

const BYTES = mp4Bytes(50_000);
const HOUR = 3_600_000;

test("a gateway that is down is waited for, with the reason", async (context) => {
    const world = await new World().open(context);
    let isDown = true;
    world.gateway.refuse = () => (isDown ? "reset" : null);
    const id = await world.analyse(world.addFile("v1", BYTES));
    const waiting = await world.until((each) => each.failures >= 3 && each.state === "waiting");
    assert.equal(waiting.problem.code, "gateway_unreachable");
    assert(waiting.nextAt > waiting.changedAt);
    assert(world.browser.alarms.has("queue"));
    isDown = false;
    assert.equal((await world.ended(id)).state, "succeeded");
});

test("what a gateway answers while it cannot is waited for: 429, 503, 500, 507, 408, 423, a hotel's page", async (context) => {
    const answers = [
        problem(429, "rate_limited"), problem(503, "database_unavailable"), problem(500, "internal_error"), problem(507, "no_space"),
        problem(408, "upload_stalled"), problem(409, "idempotency_in_flight", { "Retry-After": "1" }), problem(400, "upload_truncated"),
        { status: 502, body: "Bad Gateway" }, { status: 200, headers: { "Content-Type": "text/html" }, body: "<h1>Sign in</h1>" },
        { status: 302, headers: { Location: "/elsewhere" } },
    ];
    const world = await new World().open(context);
    const left = [...answers];
    world.gateway.refuse = ({ method }) => (method === "POST" ? left.shift() ?? null : null);
    const analysis = await world.ended(await world.analyse(world.addFile("v1", BYTES)));
    assert.equal(analysis.state, "succeeded");
    assert.equal(analysis.failures, 0);
    assert.equal(analysis.problem, undefined);
    assert.equal(world.gateway.callsTo("POST").length, answers.length + 1);
});

test("a poll that fails leaves the job's state, and is tried again", async (context) => {
    const world = await new World().open(context);
    const left = ["reset", problem(503, "database_unavailable"), problem(429, "rate_limited", { "Retry-After": "2" })];
    world.gateway.refuse = ({ method, path }) => {
        const isPoll = method === "GET" && path.startsWith("/api/jobs");
        return isPoll ? /** @type {any} */ (left.shift() ?? null) : null;
    };
    const id = await world.analyse(world.addFile("v1", BYTES));
    const failing = await world.until((each) => each.problem?.code === "database_unavailable");
    assert.equal(failing.state, "queued");
    assert.equal((await world.ended(id)).state, "succeeded");
});

test("Retry-After is kept to", async (context) => {
    const world = await new World().open(context);
    let refusedAt = 0;
    world.gateway.refuse = ({ method }) => {
        if (method !== "POST" || refusedAt > 0) return null;
        refusedAt = world.clock.now();
        return problem(429, "rate_limited", { "Retry-After": "100" });
    };
    let submittedAt = 0;
    world.gateway.lose = ({ method }) => {
        if (method === "POST") submittedAt ||= world.clock.now();
        return null;
    };
    await world.ended(await world.analyse(world.addFile("v1", BYTES)));
    assert(submittedAt - refusedAt >= 100_000, `it came after ${submittedAt - refusedAt} ms`);
});

test("what will be refused again ends it: 413, 415, 422", async (context) => {
    /** @type {[number, string][]} */
    const refusals = [[413, "upload_too_large"], [415, "media_type_mismatch"], [422, "idempotency_key_reused"]];
    for (const [status, code] of refusals) {
        const world = await new World().open(context);
        world.gateway.refuse = ({ method }) => (method === "POST" ? problem(status, code) : null);
        const analysis = await world.ended(await world.analyse(world.addFile("v1", BYTES)));
        assert.equal(analysis.state, "failed");
        assert.equal(analysis.problem.code, code);
        await world.when(() => world.clips.clips.size === 0);
    }
});

test("a key that is not valid pauses all, until there is another", async (context) => {
    const world = await new World().open(context);
    world.gateway.key = "whorl_right";
    await world.set({ gatewayKey: "whorl_wrong" });
    const videos = ["v1", "v2", "v3"].map((name, index) => world.addFile(name, mp4Bytes(50_000, index + 1)));
    await world.analyse(...videos);
    await world.askFor("v2");
    await world.askFor("v3");
    await world.when(() => world.browser.storedAnalyses().every(({ problem: because }) => because?.code === "unauthenticated"));
    const asked = world.gateway.callsTo("POST").length;
    assert(asked <= 2, `${asked} requests went out`);
    await world.when(() => !world.browser.alarms.has("queue"));
    // Neither time nor another service worker is a reason to ask again.
    world.start();
    await world.ask({ type: "analyses.list", limit: 10 });
    await new Promise((resolve) => setTimeout(resolve, 100).ref());
    assert.equal(world.gateway.callsTo("POST").length, asked);
    await world.set({ gatewayKey: "whorl_right" });
    await world.when(() => world.browser.storedAnalyses().every(({ state }) => state === "succeeded"));
    assert.equal(world.gateway.jobs.size, 3);
});

test("without a gateway, or its permission, everything waits for it", async (context) => {
    const world = await new World().open(context);
    await world.browser.writeStorage("local", { settings: {} });
    const id = await world.analyse(world.addFile("v1", BYTES));
    await world.until((each) => each.problem?.code === "gateway_unset");
    world.browser.hosts.clear();
    world.browser.hosts.add(new URL(world.site.url ?? "").origin.replace(/:\d+$/, "/*"));
    const { url = "" } = world.gateway;
    await world.browser.writeStorage("local", { settings: { gatewayUrl: url.replace("127.0.0.1", "localhost") } });
    await world.until((each) => each.problem?.code === "permission_missing");
    world.browser.hosts.add("http://localhost/*");
    world.machine?.hostsChanged();
    // It listens at 127.0.0.1 alone, which is what localhost stands for here.
    assert.equal((await world.ended(id)).state, "succeeded");
});

test("a gateway that is changed gets what is still here; a job elsewhere is given up", async (context) => {
    const world = await new World().open(context);
    const other = await new World().open(context);
    world.gateway.step = () => undefined;
    const videos = [world.addFile("v1", BYTES), world.addFile("v2", mp4Bytes(50_000, 2))];
    const first = await world.analyse(...videos);
    await world.until((each) => each.id === first && each.state === "queued");
    world.gateway.refuse = ({ method }) => (method === "POST" ? "reset" : null);
    const second = await world.askFor("v2");
    await world.until((each) => each.id === second && each.failures > 0);
    await world.set({ gatewayUrl: other.gateway.url });
    const given = await world.ended(first);
    assert.equal(given.problem.code, "gateway_changed");
    assert.equal((await world.ended(second)).state, "succeeded");
    assert.equal(other.gateway.jobs.size, 1);
});

test("where storage is full, the oldest verdicts make room", async (context) => {
    const world = await new World().open(context);
    for (let index = 0; index < 10; index += 1) {
        const id = `00000000-0000-4000-8000-00000000000${index}`;
        const old = { id, state: "succeeded", createdAt: index, changedAt: index, endedAt: index, source: { kind: "stream" } };
        await world.browser.writeStorage("local", { [`analysis:${id}`]: old });
    }
    world.browser.beforeWrite = (area) => {
        if (area === "local" && world.browser.storedAnalyses().length >= 10) throw new Error("Resource::kQuotaBytes quota exceeded");
    };
    const id = await world.analyse(world.addFile("v1", BYTES));
    assert.equal((await world.ended(id)).state, "succeeded");
    const left = world.browser.storedAnalyses().map(({ createdAt }) => createdAt);
    assert(!left.includes(0) && !left.includes(1) && left.includes(9));
});

test("where storage is full of what is under way, nothing is begun, and the reason is told", async (context) => {
    const world = await new World().open(context);
    world.start();
    await world.tell({ type: "videos.found", videos: [world.addFile("v1", BYTES)] });
    world.browser.beforeWrite = (area) => {
        if (area === "local") throw new Error("Resource::kQuotaBytes quota exceeded");
    };
    const answer = await world.ask({ type: "video.ask", place: world.place("v1"), again: false });
    assert.equal(answer.problem.code, "storage_full");
    assert.equal(world.gateway.calls.length, 0);
});

test("a state that cannot be stored is not lost: it is tried again", async (context) => {
    const world = await new World().open(context);
    let failures = 2;
    world.browser.beforeWrite = (area, items) => {
        const isJob = Object.values(items).some((item) => item?.state === "queued");
        if (area === "local" && isJob && failures > 0) {
            failures -= 1;
            throw new Error("IO error: .../000003.log: Unable to write");
        }
    };
    const id = await world.analyse(world.addFile("v1", BYTES));
    assert.equal((await world.ended(id)).state, "succeeded");
    assert.equal(world.gateway.jobs.size, 1);
});

test("clips that find no room in the browser are read by another way, or not at all", async (context) => {
    const world = await new World().open(context);
    world.clips.put = async () => {
        throw new DOMException("The quota has been exceeded.", "QuotaExceededError");
    };
    const analysis = await world.ended(await world.analyse(world.addFile("v1", mp4Bytes(3_000_000))));
    assert.equal(analysis.state, "unreadable");
    assert.equal(analysis.methodNotes[0], "storage_full");
});

test("bytes that the browser dropped are read again", async (context) => {
    const world = await new World().open(context);
    let count = 0;
    world.gateway.refuse = ({ method }) => {
        if (method !== "POST" || (count += 1) > 1) return null;
        world.clips.clips.clear();
        return problem(503, "store_unavailable");
    };
    const analysis = await world.ended(await world.analyse(world.addFile("v1", BYTES)));
    assert.equal(analysis.state, "succeeded");
    assert.equal(world.gateway.jobs.size, 1);
});

test("a clock that is set back holds nothing up", async (context) => {
    const world = await new World().open(context);
    let count = 0;
    world.gateway.refuse = ({ method }) => {
        const isFirst = method === "POST" && (count += 1) === 1;
        return isFirst ? problem(429, "rate_limited", { "Retry-After": "20" }) : null;
    };
    const id = await world.analyse(world.addFile("v1", BYTES));
    await world.until((each) => each.failures === 1);
    world.clock.offsetMilliseconds = -365 * 24 * HOUR;
    world.machine?.alarm("queue");
    assert.equal((await world.ended(id)).state, "succeeded");
});

test("a clock that is set ahead forgets nothing at once, and a later look does", async (context) => {
    const world = await new World().open(context);
    const id = await world.analyse(world.addFile("v1", BYTES));
    await world.ended(id);
    world.clock.offsetMilliseconds = 400 * 24 * HOUR;
    world.machine?.alarm("prune");
    await world.when(() => JSON.parse(world.browser.areas.local.get("seenAt") ?? "0") > 1_700_000_000_000 + 399 * 24 * HOUR);
    assert(world.stored(id));
    world.clock.offsetMilliseconds += 24 * HOUR;
    world.machine?.alarm("prune");
    await world.when(() => !world.stored(id));
});
