// @ts-check
import { timeLimit } from "./time-limit.js";

/**
 * The gateway's API, as docs/api.md describes it.
 *
 * @typedef {import("./types.js").AnalysisProblem} AnalysisProblem
 *
 * @typedef {object} Job
 * @property {string} id
 * @property {"queued"|"running"|"succeeded"|"failed"|"cancelled"|"dead"} state
 * @property {string} [stage]
 * @property {number} progress  0…1
 * @property {{code: string, message: string}} [error]
 * @property {string} [uploadSha256]
 * @property {object} [verdict]
 *
 * @typedef {object} JobOptions
 * @property {number[]} [frameTimesSeconds]  ascending, one for each JPEG of the body
 * @property {"canvas"|"screen"} [reencodedBy]
 *
 * @typedef {object} Wishes
 * @property {JobOptions} [options]
 * @property {boolean} [isFresh]  a run of its own, though the verdict may be known
 *
 * @typedef {object} JobAnswer
 * @property {Job | null} job  null: it is as the entity tag knows it
 * @property {string} [entityTag]
 * @property {number} [retryAfterMilliseconds]
 *
 * @typedef {{offset: number, jobId: string | null}} UploadStanding  `jobId`: it is whole, and became this job
 *
 * @typedef {object} Health
 * @property {string} status
 * @property {string} version
 * @property {string} detail  what is not well, in the gateway's words
 *
 * @typedef {"wait"|"pause"|"refuse"} Disposition  what to do about an error: the same again later; nothing before settings change; give up
 */

const MAXIMUM_JSON_BYTES = 8 << 20;
const MAXIMUM_PICTURE_BYTES = 16 << 20;
const MAXIMUM_RETRY_MILLISECONDS = 24 * 3_600_000;
const REQUEST_TIMEOUT_MILLISECONDS = 30_000;
const UPLOAD_TIMEOUT_MILLISECONDS = 600_000;
const PICTURE_LINK = /^\/api\/jobs\/[0-9a-f-]{36}\/frames\/\d{1,6}\/[a-z-]{1,20}\.(jpg|png)(\?track=\d{1,6})?$/i;
const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const JOB_STATES = ["queued", "running", "succeeded", "failed", "cancelled", "dead"];
/** What passes by itself, beside 429 and all from 500 on. */
const PASSING_STATUSES = [408, 423, 460];
/** `not_whorl`: something else answers in the gateway's place, as a hotel's network does until one has signed in. */
const PASSING_CODES = ["idempotency_in_flight", "upload_offset_conflict", "upload_truncated", "digest_mismatch", "not_whorl"];
const PAUSING_CODES = ["gateway_unset", "permission_missing", "unauthenticated", "scope_missing"];

/** What the gateway refused, or that it could not be asked. */
export class GatewayError extends Error {
    /**
     * @param {{code: string, detail?: string, status?: number, retryAfterMilliseconds?: number}} facts  status 0: there was no answer
     */
    constructor({ code, detail = "", status = 0, retryAfterMilliseconds }) {
        super(`${code}: ${detail}`);
        this.name = "GatewayError";
        this.code = code;
        this.detail = detail;
        this.status = status;
        this.retryAfterMilliseconds = retryAfterMilliseconds;
    }

    /** @returns {AnalysisProblem} */
    get problem() {
        return { code: this.code, detail: this.detail };
    }

    /** @returns {Disposition} */
    get disposition() {
        if (PAUSING_CODES.includes(this.code) || this.status === 401) return "pause";
        const passes = this.status === 0 || this.status >= 500 || this.status === 429 || PASSING_STATUSES.includes(this.status);
        return passes || PASSING_CODES.includes(this.code) ? "wait" : "refuse";
    }
}

export class GatewayClient {
    #url;
    #key;

    /**
     * @param {object} connection
     * @param {string} connection.url  as settings have it
     * @param {string} connection.key  empty for none
     */
    constructor({ url, key }) {
        this.#url = url;
        this.#key = key;
    }

    /**
     * Sends a clip whole. The same key with the same clip makes no second job.
     * @param {Blob} clip
     * @param {Wishes & {mediaType: string, sha256: string, idempotencyKey: string, signal?: AbortSignal}} submission  `sha256`: hexadecimal
     * @returns {Promise<Job>}
     */
    async submit(clip, { mediaType, sha256, idempotencyKey, options, isFresh, signal }) {
        const query = wishesOf({ options, isFresh }).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
        const response = await this.#send("POST", `/api/jobs${query.length > 0 ? `?${query.join("&")}` : ""}`, {
            headers: {
                "Content-Type": mediaType, "Idempotency-Key": `"${idempotencyKey}"`, "Repr-Digest": `sha-256=:${base64OfHex(sha256)}:`,
            },
            body: clip,
            signal,
            timeoutMilliseconds: UPLOAD_TIMEOUT_MILLISECONDS,
        });
        return readJob(await jsonOf(response));
    }

    /**
     * Has the gateway fetch a clip.
     * @param {string} url
     * @param {{isFresh?: boolean, idempotencyKey: string, signal?: AbortSignal}} submission
     * @returns {Promise<Job>}
     */
    async submitUrl(url, { isFresh, idempotencyKey, signal }) {
        const response = await this.#send("POST", "/api/jobs", {
            headers: { "Content-Type": "application/json", "Idempotency-Key": `"${idempotencyKey}"` },
            body: JSON.stringify(isFresh ? { url, fresh: true } : { url }),
            signal,
        });
        return readJob(await jsonOf(response));
    }

    /**
     * Begins a resumable upload.
     * @param {number} length
     * @param {Wishes & {mediaType: string, signal?: AbortSignal}} submission
     * @returns {Promise<string>}  its location, a path below the gateway's address
     */
    async createUpload(length, { mediaType, options, isFresh, signal }) {
        const pairs = [["filetype", mediaType], ...wishesOf({ options, isFresh })];
        const metadata = pairs.map(([name, value]) => `${name} ${base64OfText(value)}`);
        const response = await this.#sendTus("POST", "/api/uploads", {
            headers: { "Upload-Length": String(length), "Upload-Metadata": metadata.join(",") },
            signal,
        });
        // A proxy may put a prefix before it: what counts is the id.
        const id = response.headers.get("Location")?.split("/").pop() ?? "";
        if (!ID.test(id)) throw notWhorl("the new upload has no id");
        return `/api/uploads/${id}`;
    }

    /**
     * @param {string} location
     * @param {AbortSignal} [signal]
     * @returns {Promise<UploadStanding>}
     */
    async uploadStanding(location, signal) {
        return standingOf(await this.#sendTus("HEAD", location, { signal }));
    }

    /**
     * Sends the next piece of an upload.
     * @param {string} location
     * @param {number} offset
     * @param {Blob} piece
     * @param {AbortSignal} [signal]
     * @returns {Promise<UploadStanding>}
     */
    async appendUpload(location, offset, piece, signal) {
        const response = await this.#sendTus("PATCH", location, {
            headers: { "Upload-Offset": String(offset), "Content-Type": "application/offset+octet-stream" },
            body: piece,
            signal,
            timeoutMilliseconds: UPLOAD_TIMEOUT_MILLISECONDS,
        });
        return standingOf(response);
    }

    /** @param {string} location */
    async removeUpload(location) {
        await this.#sendTus("DELETE", location, {});
    }

    /**
     * @param {string} id
     * @param {object} conditions
     * @param {string} [conditions.entityTag]  of the last answer
     * @param {number} [conditions.waitSeconds]  so long may the answer take until something changes
     * @param {AbortSignal} [conditions.signal]
     * @returns {Promise<JobAnswer>}
     */
    async job(id, { entityTag, waitSeconds = 0, signal }) {
        /** @type {Record<string, string>} */
        const headers = {};
        if (entityTag) headers["If-None-Match"] = entityTag;
        if (waitSeconds > 0) headers.Prefer = `wait=${waitSeconds}`;
        const response = await this.#send("GET", `/api/jobs/${checkedId(id)}`, {
            headers, signal, timeoutMilliseconds: waitSeconds * 1000 + REQUEST_TIMEOUT_MILLISECONDS, takesUnchanged: true,
        });
        const answer = { entityTag: response.headers.get("ETag") ?? undefined, retryAfterMilliseconds: retryAfterOf(response) };
        return { ...answer, job: response.status === 304 ? null : readJob(await jsonOf(response)) };
    }

    /**
     * Asks for a job to be cancelled.
     * @param {string} id
     * @returns {Promise<Job>}  as it is now: cancelled, or still running for a moment
     */
    async cancelJob(id) {
        return readJob(await jsonOf(await this.#send("POST", `/api/jobs/${checkedId(id)}/cancel`, {})));
    }

    /**
     * Deletes everything about a job.
     * @param {string} id
     */
    async eraseJob(id) {
        await this.#send("DELETE", `/api/jobs/${checkedId(id)}`, {});
    }

    /**
     * A picture of a verdict.
     * @param {string} link  as the verdict has it
     * @param {AbortSignal} [signal]
     * @returns {Promise<Blob>}
     */
    async picture(link, signal) {
        if (!PICTURE_LINK.test(link)) throw notWhorl("the verdict's link is none of a picture");
        const response = await this.#send("GET", link, { signal, isCached: true });
        const type = response.headers.get("Content-Type") ?? "";
        if (!/^image\/(jpeg|png)$/.test(type)) throw notWhorl("the picture is none");
        return new Blob([await bytesOf(response, MAXIMUM_PICTURE_BYTES)], { type });
    }

    /**
     * How the gateway and all that it needs are. With a key, it is checked too.
     * @returns {Promise<Health>}
     */
    async health() {
        const response = await this.#send("GET", "/api/health", { takesUnavailable: true });
        const body = await jsonOf(response);
        if (typeof body.status !== "string" || typeof body.version !== "string") {
            throw response.ok ? notWhorl("no health comes from there") : await errorOf(response, body);
        }
        const parts = ["database", "redis", "uploads"].filter((part) => body[part]?.ok === false);
        const complaints = parts.map((part) => `${part}: ${body[part].detail ?? "not well"}`);
        if (body.workers === 0) complaints.push("no worker is ready");
        return { status: body.status.slice(0, 100), version: body.version.slice(0, 100), detail: complaints.join("; ").slice(0, 500) };
    }

    /** Fails where the key may not read, or one is demanded and there is none. */
    async checkKey() {
        await this.#send("GET", "/api/stats", {});
    }

    /**
     * @param {string} method
     * @param {string} location
     * @param {SendOptions} options
     */
    async #sendTus(method, location, options) {
        return this.#send(method, location, { ...options, headers: { ...options.headers, "Tus-Resumable": "1.0.0" } });
    }

    /**
     * @typedef {object} SendOptions
     * @property {Record<string, string>} [headers]
     * @property {BodyInit} [body]
     * @property {AbortSignal} [signal]
     * @property {number} [timeoutMilliseconds]
     * @property {boolean} [takesUnchanged]  304 is an answer too
     * @property {boolean} [takesUnavailable]  503 is an answer too
     * @property {boolean} [isCached]  the browser may keep the answer as long as the gateway says
     *
     * @param {string} method
     * @param {string} path
     * @param {SendOptions} options
     * @returns {Promise<Response>}
     */
    async #send(method, path, { headers = {}, body, signal, timeoutMilliseconds = REQUEST_TIMEOUT_MILLISECONDS, ...takes }) {
        if (this.#url === "") throw new GatewayError({ code: "gateway_unset" });
        /** @type {Record<string, string>} */
        const authorization = this.#key === "" ? {} : { Authorization: `Bearer ${this.#key}` };
        /** @type {Response} */
        let response;
        try {
            response = await fetch(this.#url + path, {
                method,
                headers: { ...headers, ...authorization },
                body,
                signal: timeLimit(timeoutMilliseconds, signal),
                // Neither the browser's cookies nor a redirect's other host are any of this gateway's business.
                credentials: "omit",
                redirect: "manual",
                referrerPolicy: "no-referrer",
                cache: takes.isCached ? "default" : "no-store",
            });
        } catch (error) {
            throw unanswered(error, signal, timeoutMilliseconds);
        }
        const { ok, status } = response;
        const isTaken = ok || (takes.takesUnchanged && status === 304) || (takes.takesUnavailable && status === 503);
        if (!isTaken) throw await errorOf(response);
        return response;
    }
}

/**
 * @param {unknown} error
 * @param {AbortSignal | undefined} signal
 * @param {number} timeoutMilliseconds
 */
function unanswered(error, signal, timeoutMilliseconds) {
    // Who gave up knows why, and is told by the same error.
    if (signal?.aborted) return error;
    const isTimeout = error instanceof Error && error.name === "TimeoutError";
    const detail = isTimeout ? `no answer within ${timeoutMilliseconds / 1000} s` : String(error instanceof Error ? error.message : error);
    return new GatewayError({ code: "gateway_unreachable", detail });
}

/**
 * @param {Response} response
 * @param {any} [body]  where it was read already
 */
async function errorOf(response, body) {
    if (response.type === "opaqueredirect" || (response.status >= 300 && response.status < 400)) {
        return new GatewayError({ code: "gateway_unreachable", detail: "it redirects; use the address that it redirects to" });
    }
    const isProblem = (response.headers.get("Content-Type") ?? "").startsWith("application/problem+json");
    const problem = body ?? (isProblem ? await problemOf(response) : {});
    return new GatewayError({
        code: typeof problem.code === "string" ? problem.code.slice(0, 64) : codeOf(response.status, isProblem),
        detail: typeof problem.detail === "string" ? problem.detail.slice(0, 500) : `HTTP status ${response.status}`,
        status: response.status,
        retryAfterMilliseconds: retryAfterOf(response),
    });
}

/**
 * A problem's members; none where its body is missing, as in answers to HEAD.
 * @param {Response} response
 * @returns {Promise<Record<string, unknown>>}
 */
async function problemOf(response) {
    try {
        return await jsonOf(response);
    } catch (error) {
        return { detail: `HTTP status ${response.status}, and no body that says more (${error instanceof Error ? error.message : error})` };
    }
}

/**
 * @param {number} status
 * @param {boolean} isProblem  a gateway's own answer, and not a proxy's
 */
function codeOf(status, isProblem) {
    if (status === 401) return "unauthenticated";
    if (status === 413) return "upload_too_large";
    if (status === 429) return "rate_limited";
    if (status >= 500) return "gateway_unreachable";
    if (!isProblem) return "not_whorl";
    if (status === 404) return "not_found";
    return status === 410 ? "upload_gone" : "refused";
}

/** @param {string} detail */
function notWhorl(detail) {
    return new GatewayError({ code: "not_whorl", detail, status: 200 });
}

/**
 * How long to wait, as `Retry-After` says in seconds or as a date, which is read by the gateway's own clock where it tells it.
 * @param {Response} response
 * @returns {number | undefined}
 */
function retryAfterOf(response) {
    const text = response.headers.get("Retry-After")?.trim();
    if (!text) return undefined;
    const now = Date.parse(response.headers.get("Date") ?? "") || Date.now();
    const milliseconds = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
    return Number.isNaN(milliseconds) ? undefined : Math.min(Math.max(milliseconds, 0), MAXIMUM_RETRY_MILLISECONDS);
}

/**
 * @param {Response} response
 * @returns {Promise<any>}
 */
async function jsonOf(response) {
    const bytes = await bytesOf(response, MAXIMUM_JSON_BYTES);
    try {
        return JSON.parse(new TextDecoder().decode(bytes)) ?? {};
    } catch {
        throw new GatewayError({ code: "not_whorl", detail: "the answer is no JSON", status: response.status });
    }
}

/**
 * @param {Response} response
 * @param {number} maximumBytes
 * @returns {Promise<Uint8Array>}
 */
async function bytesOf(response, maximumBytes) {
    /** @type {Uint8Array[]} */
    const pieces = [];
    let length = 0;
    const reader = response.body?.getReader();
    while (reader) {
        const { done, value } = await readNext(reader);
        if (done) break;
        pieces.push(value);
        length += value.length;
        if (length > maximumBytes) {
            await reader.cancel();
            throw notWhorl(`the answer has more than ${maximumBytes} bytes`);
        }
    }
    return joined(pieces, length);
}

/** @param {ReadableStreamDefaultReader<Uint8Array>} reader */
async function readNext(reader) {
    try {
        return await reader.read();
    } catch (error) {
        if (error instanceof Error && error.name === "AbortError") throw error;
        const detail = `the answer broke off: ${error instanceof Error ? error.message : error}`;
        throw new GatewayError({ code: "gateway_unreachable", detail });
    }
}

/**
 * @param {Uint8Array[]} pieces
 * @param {number} length
 */
function joined(pieces, length) {
    const whole = new Uint8Array(length);
    let offset = 0;
    for (const piece of pieces) {
        whole.set(piece, offset);
        offset += piece.length;
    }
    return whole;
}

/**
 * @param {any} body
 * @returns {Job}
 */
function readJob(body) {
    const { id, state, stage, progress, error, uploadSha256, verdict } = body;
    if (typeof id !== "string" || !ID.test(id) || !JOB_STATES.includes(state)) throw notWhorl("the answer is no job");
    /** @type {Job} */
    const job = { id, state, progress: typeof progress === "number" ? Math.min(1, Math.max(0, progress)) : 0 };
    if (typeof stage === "string") job.stage = stage.slice(0, 64);
    if (typeof error?.code === "string") job.error = { code: error.code.slice(0, 64), message: String(error.message ?? "").slice(0, 500) };
    if (typeof uploadSha256 === "string") job.uploadSha256 = uploadSha256.slice(0, 64);
    if (state === "succeeded") {
        if (typeof verdict !== "object" || verdict === null) throw notWhorl("the job has no verdict");
        job.verdict = verdict;
    }
    return job;
}

/**
 * @param {Response} response
 * @returns {UploadStanding}
 */
function standingOf(response) {
    const offset = Number(response.headers.get("Upload-Offset") ?? NaN);
    if (!Number.isSafeInteger(offset) || offset < 0) throw notWhorl("the upload has no offset");
    const id = response.headers.get("Content-Location")?.split("/").pop() ?? "";
    return { offset, jobId: ID.test(id) ? id : null };
}

/**
 * @param {Wishes} wishes
 * @returns {[string, string][]}
 */
function wishesOf({ options, isFresh }) {
    /** @type {[string, string][]} */
    const pairs = [];
    if (options && Object.keys(options).length > 0) pairs.push(["options", JSON.stringify(options)]);
    if (isFresh) pairs.push(["fresh", "true"]);
    return pairs;
}

/** @param {string} id */
function checkedId(id) {
    if (!ID.test(id)) throw new TypeError("this is no job's id");
    return id;
}

/** @param {string} hex */
function base64OfHex(hex) {
    return btoa(String.fromCharCode(...(hex.match(/../g) ?? []).map((digits) => parseInt(digits, 16))));
}

/** @param {string} text */
function base64OfText(text) {
    return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}
