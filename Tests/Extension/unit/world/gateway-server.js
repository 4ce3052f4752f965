// @ts-check
import { createHash, randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";

/**
 * A small gateway over real HTTP, as docs/api.md describes it, whose jobs go on by a step each time somebody asks for them.
 *
 * @typedef {{status: number, headers?: Record<string, string>, body?: string} | "reset" | "silent"} Fault
 * @typedef {{method: string, path: string, headers: import("node:http").IncomingHttpHeaders, body: Buffer, query: URLSearchParams}} Call
 */

export const VERDICT = Object.freeze({
    label: "real", probability: 0.1, threshold: 0.5, abstention: [0.4, 0.6],
    model: { name: "m", version: "1", sha256: "00", trained: true, region: "frame" },
    video: {}, sampling: {}, decidedBy: 0, tracks: [], reasons: [], warnings: [], reused: false,
});

export class GatewayServer {
    /** @type {Map<string, any>} */
    jobs = new Map();
    /** @type {Map<string, {length: number, bytes: Buffer, metadata: Record<string, string>, isComplete: boolean}>} */
    uploads = new Map();
    /** @type {Map<string, {jobId: string, print: string}>} */
    keys = new Map();
    /** @type {Call[]} */
    calls = [];
    /** Whom the gateway knows; empty: everybody. */
    key = "";
    takesUrls = false;
    /** What a job does with each look at it. @type {(job: any) => void} */
    step = (job) => {
        const next = /** @type {any} */ ({ queued: "running", running: "succeeded" });
        job.state = next[job.state] ?? job.state;
        if (job.state === "succeeded") job.verdict ??= VERDICT;
    };
    /** @type {(call: Call) => Fault | null} before anything is done */
    refuse = () => null;
    /** @type {(call: Call) => Fault | null} after it was done, in the place of the answer */
    lose = () => null;
    /** @type {(call: Call) => void} */
    afterCall = () => undefined;
    #server = createServer((request, response) => this.#serve(request, response));
    /** @type {Set<import("node:net").Socket>} */
    #sockets = new Set();

    async start() {
        this.#server.on("connection", (socket) => {
            this.#sockets.add(socket);
            socket.on("close", () => this.#sockets.delete(socket));
        });
        this.#server.listen(0, "127.0.0.1");
        await once(this.#server, "listening");
        this.url = `http://127.0.0.1:${/** @type {import("node:net").AddressInfo} */ (this.#server.address()).port}`;
        return this;
    }

    async stop() {
        for (const socket of this.#sockets) socket.destroy();
        this.#server.close();
        await once(this.#server, "close");
    }

    /** @param {string} start  of a path, with its method */
    callsTo(start) {
        return this.calls.filter(({ method, path }) => `${method} ${path}`.startsWith(start));
    }

    /**
     * @param {import("node:http").IncomingMessage} request
     * @param {import("node:http").ServerResponse} response
     */
    async #serve(request, response) {
        const url = new URL(request.url ?? "/", "http://gateway");
        /** @type {Buffer[]} */
        const pieces = [];
        try {
            for await (const piece of request) pieces.push(piece);
        } catch {
            return; // A body that breaks off makes nothing.
        }
        const body = Buffer.concat(pieces);
        const call = { method: request.method ?? "", path: url.pathname, headers: request.headers, body, query: url.searchParams };
        this.calls.push(call);
        const refusal = this.refuse(call) ?? this.#unknown(call);
        const answer = refusal ?? this.#answer(call);
        const loss = refusal ? null : this.lose(call);
        this.afterCall(call);
        this.#send(response, loss ?? answer, request);
    }

    /**
     * @param {import("node:http").ServerResponse} response
     * @param {Fault} answer
     * @param {import("node:http").IncomingMessage} request
     */
    #send(response, answer, request) {
        if (answer === "silent") return;
        if (answer === "reset") {
            request.socket.destroy();
            return;
        }
        response.writeHead(answer.status, answer.headers);
        response.end(request.method === "HEAD" ? undefined : answer.body);
    }

    /** @param {Call} call */
    #unknown({ headers, path }) {
        if (this.key === "" || path === "/api/health" || headers.authorization === `Bearer ${this.key}`) return null;
        return problem(401, "unauthenticated");
    }

    /**
     * @param {Call} call
     * @returns {{status: number, headers?: Record<string, string>, body?: string}}
     */
    #answer(call) {
        const { method, path } = call;
        const [, , kind, id, deed] = path.split("/");
        if (kind === "health") return json(200, { status: "ok", version: "0.1.0" });
        if (kind === "stats") return json(200, { queued: 0 });
        if (kind === "uploads") return this.#tus(call, id);
        if (method === "POST" && kind === "jobs" && !id) return this.#submit(call);
        const job = this.jobs.get(id);
        if (!job) return problem(404, "not_found");
        if (deed === "cancel") return this.#cancel(job);
        if (method === "DELETE") return this.#erase(id);
        return this.#show(job, call);
    }

    /** @param {Call} call */
    #submit(call) {
        const { headers, body, query } = call;
        const key = String(headers["idempotency-key"] ?? "").replaceAll('"', "");
        const isUrl = headers["content-type"] === "application/json";
        if (isUrl && !this.takesUrls) return problem(403, "url_jobs_off");
        const sha256 = isUrl ? undefined : createHash("sha256").update(body).digest("hex");
        const digest = `sha-256=:${createHash("sha256").update(body).digest("base64")}:`;
        if (headers["repr-digest"] && headers["repr-digest"] !== digest) return problem(400, "digest_mismatch");
        const print = `${isUrl ? body : sha256}|${query.get("options")}`;
        const known = this.keys.get(key);
        if (known && known.print !== print) return problem(422, "idempotency_key_reused");
        const job = known ? this.jobs.get(known.jobId) : this.#makeJob(randomUUID(),
            { uploadSha256: sha256, query: Object.fromEntries(query) });
        this.keys.set(key, { jobId: job.id, print });
        return json(202, job, { Location: `/api/jobs/${job.id}`, "Retry-After": "1" });
    }

    /**
     * @param {string} id
     * @param {object} members
     */
    #makeJob(id, members) {
        const job = { id, state: "queued", progress: 0, revision: 1, ...members };
        this.jobs.set(id, job);
        return job;
    }

    /**
     * @param {any} job
     * @param {Call} call
     */
    #show(job, { headers }) {
        const before = job.state;
        this.step(job);
        if (job.state !== before) job.revision += 1;
        const tag = `"${job.revision}"`;
        if (headers["if-none-match"] === tag) return { status: 304, headers: { ETag: tag, "Retry-After": "1" } };
        return json(200, job, { ETag: tag, ...(job.verdict ? {} : { "Retry-After": "1" }) });
    }

    /** @param {any} job */
    #cancel(job) {
        if (!["queued", "running"].includes(job.state)) return problem(409, "job_ended");
        job.state = "cancelled";
        job.revision += 1;
        return json(200, job);
    }

    /** @param {string} id */
    #erase(id) {
        this.jobs.delete(id);
        return { status: 204 };
    }

    /**
     * @param {Call} call
     * @param {string} id
     */
    #tus({ method, headers, body }, id) {
        if (headers["tus-resumable"] !== "1.0.0") return problem(412, "tus_version_unsupported");
        if (method === "POST") return this.#createUpload(headers);
        const upload = this.uploads.get(id);
        if (!upload) return problem(404, "not_found");
        if (method === "DELETE") {
            this.uploads.delete(id);
            return { status: 204 };
        }
        if (method === "PATCH") {
            if (Number(headers["upload-offset"]) !== upload.bytes.length) return problem(409, "upload_offset_conflict");
            upload.bytes = Buffer.concat([upload.bytes, body]);
            this.#completeUpload(id, upload);
        }
        const done = upload.isComplete ? { "Content-Location": `/api/jobs/${id}` } : {};
        return { status: method === "HEAD" ? 200 : 204, headers: { "Upload-Offset": String(upload.bytes.length), ...done } };
    }

    /** @param {import("node:http").IncomingHttpHeaders} headers */
    #createUpload(headers) {
        const pairs = String(headers["upload-metadata"]).split(",").map((pair) => pair.split(" "));
        const metadata = Object.fromEntries(pairs.map(([name, value]) => [name, Buffer.from(value, "base64").toString()]));
        const id = randomUUID();
        this.uploads.set(id, { length: Number(headers["upload-length"]), bytes: Buffer.alloc(0), metadata, isComplete: false });
        return { status: 201, headers: { Location: `/api/uploads/${id}` } };
    }

    /**
     * @param {string} id
     * @param {{length: number, bytes: Buffer, metadata: Record<string, string>, isComplete: boolean}} upload
     */
    #completeUpload(id, upload) {
        if (upload.isComplete || upload.bytes.length < upload.length) return;
        upload.isComplete = true;
        this.#makeJob(id, { uploadSha256: createHash("sha256").update(upload.bytes).digest("hex"), query: upload.metadata });
    }
}

/**
 * @param {number} status
 * @param {string} code
 * @param {Record<string, string>} [headers]
 */
export function problem(status, code, headers = {}) {
    return { status, headers: { "Content-Type": "application/problem+json", ...headers },
        body: JSON.stringify({ code, status, detail: `it is ${code}` }) };
}

/**
 * @param {number} status
 * @param {object} value
 * @param {Record<string, string>} [headers]
 */
function json(status, value, headers = {}) {
    return { status, headers: { "Content-Type": "application/json", ...headers }, body: JSON.stringify(value) };
}
