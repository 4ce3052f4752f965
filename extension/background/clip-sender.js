// @ts-check
import { GatewayError } from "../shared/gateway-client.js";

/**
 * A clip's way to the gateway: short ones whole, with a key that makes repetitions harmless; long ones in pieces, from where the gateway
 * says that it stands; or its address alone.
 *
 * @typedef {import("../shared/types.js").Analysis} Analysis
 * @typedef {import("../shared/gateway-client.js").GatewayClient} GatewayClient
 * @typedef {import("../shared/gateway-client.js").Job} Job
 * @typedef {import("../shared/gateway-client.js").JobOptions} JobOptions
 * @typedef {import("../shared/gateway-client.js").UploadStanding} UploadStanding
 * @typedef {import("./analysis-state.js").AnalysisEvent} AnalysisEvent
 * @typedef {import("./clip-store.js").Clips} Clips
 *
 * @typedef {object} Sending
 * @property {GatewayClient} client
 * @property {Clips} clips
 * @property {Readonly<UploadBytes>} uploadBytes
 * @property {AbortSignal} signal
 * @property {(event: AnalysisEvent) => Promise<void>} report  is awaited: what is reported is stored before the next step
 */

/**
 * Longer clips than `whole` go in pieces.
 * @typedef {{whole: number, piece: number}} UploadBytes
 * @type {Readonly<UploadBytes>}
 */
export const UPLOAD_BYTES = Object.freeze({ whole: 8 << 20, piece: 4 << 20 });
const TIME_DECIMALS = 1e4;

/** Its bytes are not (any more) in the store. */
class ClipLost extends Error {}

/**
 * @param {Analysis} analysis  uploading
 * @param {Sending} sending
 * @throws {GatewayError}
 */
export async function sendClip(analysis, sending) {
    try {
        await sending.report({ kind: "submitted", job: await submit(analysis, sending) });
    } catch (error) {
        if (!(error instanceof ClipLost)) throw error;
        await sending.report({ kind: "clipLost" });
    }
}

/**
 * @param {Analysis} analysis
 * @returns {JobOptions}
 */
export function jobOptions({ method, frameTimesSeconds }) {
    /** @type {JobOptions} */
    const options = {};
    const rounded = frameTimesSeconds?.map((seconds) => Math.round(seconds * TIME_DECIMALS) / TIME_DECIMALS);
    if (rounded) options.frameTimesSeconds = rounded;
    if (method === "frames") options.reencodedBy = "canvas";
    if (method === "capture") options.reencodedBy = "screen";
    return options;
}

/**
 * @param {Analysis} analysis
 * @param {Sending} sending
 * @returns {Promise<Job>}
 */
async function submit(analysis, sending) {
    if (analysis.method === "url") return submitUrl(analysis, sending);
    return (analysis.lengthBytes ?? 0) <= sending.uploadBytes.whole ? submitWhole(analysis, sending) : submitInPieces(analysis, sending);
}

/**
 * @param {Analysis} analysis
 * @param {Sending} sending
 */
async function submitUrl({ source, isFresh, idempotencyKey = "" }, { client, signal }) {
    return client.submitUrl(source.url ?? "", { isFresh, idempotencyKey, signal });
}

/**
 * @param {Analysis} analysis
 * @param {Sending} sending
 */
async function submitWhole(analysis, { client, clips, signal }) {
    const { id, lengthBytes = 0, mediaType = "", sha256 = "", idempotencyKey = "", isFresh } = analysis;
    const clip = await partOf(clips, id, 0, lengthBytes);
    return client.submit(clip, { mediaType, sha256, idempotencyKey, options: jobOptions(analysis), isFresh, signal });
}

/**
 * @param {Analysis} analysis
 * @param {Sending} sending
 */
async function submitInPieces(analysis, sending) {
    const { client, clips, uploadBytes, signal, report } = sending;
    const { id, lengthBytes = 0 } = analysis;
    let { location, standing } = (await standingUpload(analysis, sending)) ?? (await newUpload(analysis, sending));
    while (standing.jobId === null) {
        const { offset } = standing;
        // At the end already, an empty piece has the gateway make the job.
        const piece = await partOf(clips, id, offset, Math.min(uploadBytes.piece, lengthBytes - offset));
        standing = await append(location, offset, piece, sending);
        if (standing.jobId === null && standing.offset <= offset) throw stuck();
        await report({ kind: "uploadStood", location, offset: standing.offset });
    }
    const { job } = await client.job(standing.jobId, { signal });
    if (!job) throw new GatewayError({ code: "not_whorl", detail: "the job is not told" });
    return job;
}

/**
 * Where an upload that was begun before stands; null where there is none, or the gateway knows it no more.
 * @param {Analysis} analysis
 * @param {Sending} sending
 * @returns {Promise<{location: string, standing: UploadStanding} | null>}
 */
async function standingUpload({ upload }, { client, signal, report }) {
    if (!upload) return null;
    const { location } = upload;
    try {
        return { location, standing: await client.uploadStanding(location, signal) };
    } catch (error) {
        if (!isGone(error)) throw error;
    }
    // One that was whole is forgotten after a day, but its job, which has the same id, is not.
    const jobId = location.split("/").pop() ?? "";
    if (await isJob(client, jobId, signal)) return { location, standing: { offset: upload.length, jobId } };
    await report({ kind: "uploadLost" });
    return null;
}

/**
 * @param {Analysis} analysis
 * @param {Sending} sending
 */
async function newUpload(analysis, { client, signal, report }) {
    const { lengthBytes = 0, mediaType = "", isFresh } = analysis;
    const location = await client.createUpload(lengthBytes, { mediaType, options: jobOptions(analysis), isFresh, signal });
    await report({ kind: "uploadStood", location, offset: 0 });
    return { location, standing: /** @type {UploadStanding} */ ({ offset: 0, jobId: null }) };
}

/**
 * @param {string} location
 * @param {number} offset
 * @param {Blob} piece
 * @param {Sending} sending
 */
async function append(location, offset, piece, { client, signal, report }) {
    try {
        return await client.appendUpload(location, offset, piece, signal);
    } catch (error) {
        if (!isGone(error)) throw error;
        await report({ kind: "uploadLost" });
        throw new GatewayError({ code: "upload_gone", detail: "the gateway forgot the upload; it begins anew" });
    }
}

/**
 * @param {GatewayClient} client
 * @param {string} id
 * @param {AbortSignal} signal
 */
async function isJob(client, id, signal) {
    try {
        await client.job(id, { signal });
        return true;
    } catch (error) {
        if (isGone(error)) return false;
        throw error;
    }
}

/**
 * @param {Clips} clips
 * @param {string} id
 * @param {number} offset
 * @param {number} length
 */
async function partOf(clips, id, offset, length) {
    if (length === 0) return new Blob([]);
    const part = await clips.part(id, offset, length);
    if (!part) throw new ClipLost();
    return part;
}

function stuck() {
    return new GatewayError({ code: "upload_offset_conflict", detail: "the upload does not get on" });
}

/** @param {unknown} error */
function isGone(error) {
    return error instanceof GatewayError && (error.code === "not_found" || error.code === "upload_gone");
}
