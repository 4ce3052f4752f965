// @ts-check
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import test from "node:test";
import { GatewayClient, GatewayError } from "../../../extension/shared/gateway-client.js";
import { GatewayServer, problem } from "./world/gateway-server.js";

/** The gateway's API over real HTTP. */

const CLIP = new Blob(["not quite a clip"]);
const SHA256 = createHash("sha256").update("not quite a clip").digest("hex");
const ID = "01a20586-1e05-750b-84c4-4c1507d8c994";
const never = new AbortController().signal;

/** @param {import("node:test").TestContext} context */
async function begin(context, key = "whorl_key") {
    const server = await new GatewayServer().start();
    context.after(() => server.stop());
    server.key = key;
    return { server, client: new GatewayClient({ url: server.url ?? "", key }) };
}

/**
 * @param {Promise<unknown>} request
 * @returns {Promise<GatewayError>}
 */
async function errorOf(request) {
    const error = await request.then(() => assert.fail("it did not fail"), (reason) => reason);
    assert(error instanceof GatewayError, String(error));
    return error;
}

test("a clip is sent with its type, key, digest and wishes", async (context) => {
    const { server, client } = await begin(context);
    const options = { frameTimesSeconds: [0.04, 1.25], reencodedBy: /** @type {const} */ ("canvas") };
    const job = await client.submit(CLIP, { mediaType: "video/mp4", sha256: SHA256, idempotencyKey: "k-1", options, isFresh: true });
    assert.equal(job.state, "queued");
    assert.equal(job.uploadSha256, SHA256);
    const [{ headers, query }] = server.calls;
    assert.equal(headers.authorization, "Bearer whorl_key");
    assert.equal(headers["idempotency-key"], '"k-1"');
    assert.equal(headers["content-type"], "video/mp4");
    assert.equal(headers["repr-digest"], `sha-256=:${createHash("sha256").update("not quite a clip").digest("base64")}:`);
    assert.deepEqual(JSON.parse(query.get("options") ?? ""), options);
    assert.equal(query.get("fresh"), "true");
    assert.equal(headers.cookie, undefined);
});

test("the same key again gives the same job", async (context) => {
    const { client } = await begin(context);
    const submission = { mediaType: "video/mp4", sha256: SHA256, idempotencyKey: "k-1" };
    const [one, other] = [await client.submit(CLIP, submission), await client.submit(CLIP, submission)];
    assert.equal(one.id, other.id);
});

test("an upload goes in pieces, and becomes a job", async (context) => {
    const { server, client } = await begin(context);
    const location = await client.createUpload(CLIP.size,
        { mediaType: "video/webm", options: { reencodedBy: "screen" }, isFresh: true, signal: never });
    assert.deepEqual([...server.uploads.values()][0].metadata,
        { filetype: "video/webm", options: '{"reencodedBy":"screen"}', fresh: "true" });
    assert.deepEqual(await client.uploadStanding(location), { offset: 0, jobId: null });
    assert.deepEqual(await client.appendUpload(location, 0, CLIP.slice(0, 5)), { offset: 5, jobId: null });
    const conflict = await errorOf(client.appendUpload(location, 0, CLIP.slice(0, 5)));
    assert.equal(conflict.code, "upload_offset_conflict");
    assert.equal(conflict.disposition, "wait");
    const { offset, jobId } = await client.appendUpload(location, 5, CLIP.slice(5));
    assert.equal(offset, CLIP.size);
    assert.equal(location, `/api/uploads/${jobId}`);
    await client.removeUpload(location);
    const gone = await errorOf(client.uploadStanding(location));
    assert.equal(gone.code, "not_found", "though HEAD has no body that says so");
});

test("an upload's location may have a proxy's prefix", async (context) => {
    const { server, client } = await begin(context);
    server.lose = () => ({ status: 201, headers: { Location: `https://elsewhere/whorl/api/uploads/${ID}` } });
    assert.equal(await client.createUpload(5, { mediaType: "video/mp4" }), `/api/uploads/${ID}`);
    server.lose = () => ({ status: 201, headers: { Location: "/api/uploads/../../admin" } });
    assert.equal((await errorOf(client.createUpload(5, { mediaType: "video/mp4" }))).code, "not_whorl");
});

test("a job is asked for with its tag, and may be as it was", async (context) => {
    const { server, client } = await begin(context);
    server.step = () => undefined;
    const { id } = await client.submit(CLIP, { mediaType: "video/mp4", sha256: SHA256, idempotencyKey: "k-1" });
    const first = await client.job(id, {});
    assert.equal(first.job?.state, "queued");
    assert.equal(first.retryAfterMilliseconds, 1000);
    const second = await client.job(id, { entityTag: first.entityTag, waitSeconds: 20 });
    assert.equal(second.job, null);
    assert.equal(server.calls.at(-1)?.headers.prefer, "wait=20");
});

test("a job is cancelled and erased", async (context) => {
    const { server, client } = await begin(context);
    const { id } = await client.submit(CLIP, { mediaType: "video/mp4", sha256: SHA256, idempotencyKey: "k-1" });
    assert.equal((await client.cancelJob(id)).state, "cancelled");
    assert.equal((await errorOf(client.cancelJob(id))).code, "job_ended");
    await client.eraseJob(id);
    assert.equal(server.jobs.size, 0);
    const missing = await errorOf(client.job(id, {}));
    assert.equal(missing.code, "not_found");
    assert.equal(missing.disposition, "refuse");
});

test("pictures come by the verdict's links, and by no others", async (context) => {
    const { server, client } = await begin(context);
    const link = `/api/jobs/${ID}/frames/3/gradcam.jpg?track=1`;
    server.refuse = () => ({ status: 200, headers: { "Content-Type": "image/jpeg" }, body: "jpeg" });
    const picture = await client.picture(link);
    assert.equal(picture.type, "image/jpeg");
    assert.equal(await picture.text(), "jpeg");
    assert.equal(server.calls[0].query.get("track"), "1");
    for (const wrong of ["/api/stats", "https://elsewhere/x.jpg", `/api/jobs/${ID}/frames/../../../x.jpg`, ""]) {
        assert.equal((await errorOf(client.picture(wrong))).code, "not_whorl");
    }
    server.refuse = () => ({ status: 200, headers: { "Content-Type": "text/html" }, body: "<script>" });
    assert.equal((await errorOf(client.picture(link))).code, "not_whorl");
});

test("what an error calls for", async (context) => {
    const { server, client } = await begin(context);
    /** @type {[import("./world/gateway-server.js").Fault, string, import("../../../extension/shared/gateway-client.js").Disposition][]} */
    const cases = [
        [problem(401, "unauthenticated"), "unauthenticated", "pause"],
        [problem(403, "scope_missing"), "scope_missing", "pause"],
        [problem(403, "url_jobs_off"), "url_jobs_off", "refuse"],
        [problem(400, "parameter_invalid"), "parameter_invalid", "refuse"],
        [problem(400, "digest_mismatch"), "digest_mismatch", "wait"],
        [problem(413, "upload_too_large"), "upload_too_large", "refuse"],
        [problem(415, "media_type_mismatch"), "media_type_mismatch", "refuse"],
        [problem(409, "idempotency_in_flight"), "idempotency_in_flight", "wait"],
        [problem(409, "job_ended"), "job_ended", "refuse"],
        [problem(423, "upload_locked"), "upload_locked", "wait"],
        [problem(429, "a_later_code"), "a_later_code", "wait"],
        [problem(507, "tenant_storage_full"), "tenant_storage_full", "wait"],
        [{ status: 413, body: "<html>nginx" }, "upload_too_large", "refuse"],
        [{ status: 404, body: "<html>nginx" }, "not_whorl", "wait"],
        [{ status: 403, body: "<html>portal" }, "not_whorl", "wait"],
        [{ status: 502, body: "" }, "gateway_unreachable", "wait"],
        [{ status: 200, body: "<html>" }, "not_whorl", "wait"],
        [{ status: 200, body: "[1, 2]" }, "not_whorl", "wait"],
        [{ status: 200, body: "null" }, "not_whorl", "wait"],
        [{ status: 307, headers: { Location: "http://elsewhere/" } }, "gateway_unreachable", "wait"],
        [{ status: 500, headers: { "Content-Type": "application/problem+json" }, body: "{" }, "gateway_unreachable", "wait"],
        ["reset", "gateway_unreachable", "wait"],
    ];
    for (const [answer, code, disposition] of cases) {
        server.refuse = () => answer;
        const error = await errorOf(client.job(ID, {}));
        assert.deepEqual([error.code, error.disposition], [code, disposition], JSON.stringify(answer));
    }
});

test("Retry-After in seconds, as a date by the gateway's clock, and as nonsense", async (context) => {
    const { server, client } = await begin(context);
    const now = new Date("2030-01-01T00:00:00Z").toUTCString();
    /** @type {[Record<string, string>, number | undefined][]} */
    const cases = [
        [{ "Retry-After": "7" }, 7000],
        [{ "Retry-After": new Date("2030-01-01T00:01:00Z").toUTCString(), Date: now }, 60_000],
        [{ "Retry-After": new Date("2029-01-01T00:00:00Z").toUTCString(), Date: now }, 0],
        [{ "Retry-After": "99999999999" }, 24 * 3_600_000],
        [{ "Retry-After": "soon" }, undefined],
        [{}, undefined],
    ];
    for (const [headers, milliseconds] of cases) {
        server.refuse = () => problem(429, "rate_limited", headers);
        assert.equal((await errorOf(client.job(ID, {}))).retryAfterMilliseconds, milliseconds, JSON.stringify(headers));
    }
});

test("answers are bounded and checked", async (context) => {
    const { server, client } = await begin(context);
    server.refuse = () => ({ status: 200, body: JSON.stringify({ id: ID, state: "queued", padding: "x".repeat(9 << 20) }) });
    assert.equal((await errorOf(client.job(ID, {}))).code, "not_whorl");
    const wrong = [
        { id: "../../x", state: "queued" }, { id: ID, state: "sleeping" }, { id: ID, state: "succeeded" },
        { id: ID, state: "succeeded", verdict: "real" },
    ];
    for (const body of wrong) {
        server.refuse = () => ({ status: 200, body: JSON.stringify(body) });
        assert.equal((await errorOf(client.job(ID, {}))).code, "not_whorl");
    }
    const strange = { id: ID, state: "running", progress: 7, stage: "s".repeat(1000), more: 1 };
    server.refuse = () => ({ status: 200, body: JSON.stringify(strange) });
    const { job } = await client.job(ID, {});
    assert.deepEqual(job, { id: ID, state: "running", progress: 1, stage: "s".repeat(64) });
});

test("who breaks a request off is told so, and no error of the gateway", async (context) => {
    const { server, client } = await begin(context);
    server.refuse = () => "silent";
    const controller = new AbortController();
    const asking = client.job(ID, { signal: controller.signal });
    setTimeout(() => controller.abort(), 20);
    await assert.rejects(asking, { name: "AbortError" });
});

test("a gateway that is not there, and none at all", async () => {
    const client = new GatewayClient({ url: "http://127.0.0.1:1", key: "" });
    const error = await errorOf(client.health());
    assert.deepEqual([error.code, error.disposition], ["gateway_unreachable", "wait"]);
    const unset = await errorOf(new GatewayClient({ url: "", key: "" }).health());
    assert.deepEqual([unset.code, unset.disposition], ["gateway_unset", "pause"]);
});

test("health says what is not well", async (context) => {
    const { server, client } = await begin(context, "");
    assert.deepEqual(await client.health(), { status: "ok", version: "0.1.0", detail: "" });
    const database = { ok: false, detail: "it is away" };
    const unwell = { status: "unavailable", version: "0.1.0", database, redis: { ok: true }, workers: 0 };
    server.refuse = () => ({ status: 503, headers: { "Content-Type": "application/json" }, body: JSON.stringify(unwell) });
    assert.deepEqual(await client.health(),
        { status: "unavailable", version: "0.1.0", detail: "database: it is away; no worker is ready" });
    server.refuse = () => problem(503, "database_unavailable");
    assert.equal((await errorOf(client.health())).code, "database_unavailable");
    server.refuse = () => ({ status: 200, body: '{"hello":"world"}' });
    assert.equal((await errorOf(client.health())).code, "not_whorl");
});
