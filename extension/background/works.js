// @ts-check
import { GatewayClient, GatewayError } from "../shared/gateway-client.js";
import { sendClip } from "./clip-sender.js";
import { hasPermission } from "./connection.js";
import { asReadingFailure } from "./reading-failure.js";

/**
 * What an analysis' state has us do: one piece of work at a time, whose results are reported as events.
 *
 * @typedef {import("../shared/types.js").Analysis} Analysis
 * @typedef {import("../shared/types.js").Settings} Settings
 * @typedef {import("./analysis-state.js").AnalysisEvent} AnalysisEvent
 * @typedef {import("./analysis-store.js").AnalysisStore} AnalysisStore
 * @typedef {import("./clip-reader.js").ClipReader} ClipReader
 * @typedef {import("./clip-store.js").Clips} Clips
 * @typedef {import("./connection.js").ConnectionBrowser} ConnectionBrowser
 *
 * @typedef {object} Errand
 * @property {Settings} settings  as they were when it began
 * @property {AbortSignal} signal
 * @property {(event: AnalysisEvent) => Promise<void>} report  stores what came of it; fails once the work was broken off
 *
 * @typedef {{isUnchanged: boolean, retryAfterMilliseconds?: number}} PollOutcome
 */

const PROGRESS_SPACING_MILLISECONDS = 500;
const PROGRESS_STEP = 0.01;

export class Works {
    #browser;
    #store;
    #reader;
    #clips;
    #elapsed;
    #uploadBytes;

    /**
     * @param {object} parts
     * @param {ConnectionBrowser} parts.browser
     * @param {AnalysisStore} parts.store
     * @param {ClipReader} parts.reader
     * @param {Clips} parts.clips
     * @param {() => number} parts.elapsed  milliseconds, by a clock that nobody sets
     * @param {Readonly<import("./clip-sender.js").UploadBytes>} parts.uploadBytes
     */
    constructor({ browser, store, reader, clips, elapsed, uploadBytes }) {
        this.#browser = browser;
        this.#store = store;
        this.#reader = reader;
        this.#clips = clips;
        this.#elapsed = elapsed;
        this.#uploadBytes = uploadBytes;
    }

    /**
     * @param {Analysis} analysis
     * @param {Errand} errand
     */
    async read(analysis, { settings, signal, report }) {
        const onProgress = this.#paced((progress) => report({ kind: "progressed", progress }));
        let clip;
        try {
            clip = await this.#reader.read(analysis, { signal, frameCount: settings.frameCount, onProgress });
        } catch (error) {
            signal.throwIfAborted();
            const { problem } = asReadingFailure(error);
            await report({ kind: "wayFailed", problem, ways: await this.#reader.ways(analysis, settings) });
            return;
        }
        const earlier = analysis.isFresh ? null : this.#store.judged(clip.sha256, settings.gatewayUrl);
        await report(earlier ? { kind: "known", earlier } : { kind: "read", clip });
    }

    /**
     * @param {Analysis} analysis
     * @param {Errand} errand
     */
    async upload(analysis, { settings, signal, report }) {
        const client = await this.#client(settings);
        await report({ kind: "sending", gatewayUrl: settings.gatewayUrl });
        try {
            const now = this.#store.get(analysis.id) ?? analysis;
            await sendClip(now, { client, clips: this.#clips, uploadBytes: this.#uploadBytes, signal, report });
        } catch (error) {
            const isRefused = error instanceof GatewayError && error.disposition === "refuse";
            if (analysis.method !== "url" || !isRefused) throw error;
            await report({ kind: "wayFailed", problem: error.problem, ways: await this.#reader.ways(analysis, settings) });
        }
    }

    /**
     * @param {Analysis} analysis
     * @param {Errand & {waitSeconds: number}} errand
     * @returns {Promise<PollOutcome>}
     */
    async poll({ id, jobId = "", entityTag: known }, { settings, signal, report, waitSeconds }) {
        const client = await this.#client(settings);
        try {
            const { job, entityTag, retryAfterMilliseconds } = await client.job(jobId, { entityTag: known, waitSeconds, signal });
            await report(job ? { kind: "jobSeen", job, entityTag } : { kind: "jobUnchanged" });
            return { isUnchanged: job === null, retryAfterMilliseconds };
        } catch (error) {
            if (!isMissing(error)) throw error;
            await report({ kind: "jobMissing" });
            return { isUnchanged: false };
        }
    }

    /**
     * @param {Analysis} analysis
     * @param {Errand} errand
     */
    async cancel({ jobId = "" }, { settings, report }) {
        const client = await this.#client(settings);
        try {
            await report({ kind: "stopSettled", job: await client.cancelJob(jobId) });
        } catch (error) {
            if (isMissing(error)) await report({ kind: "jobMissing" });
            else if (error instanceof GatewayError && error.code === "job_ended") await report({ kind: "stopSettled" });
            else throw error;
        }
    }

    /**
     * Deletes a job with all that belongs to it. One that is gone already is no error.
     * @param {string} jobId
     * @param {Settings} settings
     */
    async erase(jobId, settings) {
        const client = await this.#client(settings);
        try {
            await client.eraseJob(jobId);
        } catch (error) {
            if (!isMissing(error)) throw error;
        }
    }

    /**
     * Ends an upload that nobody wants any more. Where that fails, the gateway drops it by itself within a day.
     * @param {string} location
     * @param {Settings} settings
     */
    async removeUpload(location, settings) {
        const client = await this.#client(settings);
        await client.removeUpload(location);
    }

    /** @param {Settings} settings */
    async #client({ gatewayUrl, gatewayKey }) {
        if (gatewayUrl !== "" && !(await hasPermission(this.#browser, gatewayUrl))) throw new GatewayError({ code: "permission_missing" });
        return new GatewayClient({ url: gatewayUrl, key: gatewayKey });
    }

    /**
     * Progress that is told often enough for people, and seldom enough for storage.
     * @param {(progress: number) => Promise<void>} tell
     * @returns {(progress: number) => void}
     */
    #paced(tell) {
        let told = { at: -Infinity, progress: 0 };
        return (progress) => {
            const at = this.#elapsed();
            if (at - told.at < PROGRESS_SPACING_MILLISECONDS || Math.abs(progress - told.progress) < PROGRESS_STEP) return;
            told = { at, progress };
            // Progress that cannot be told is told with the next step, or matters no more.
            tell(progress).catch(() => undefined);
        };
    }
}

/** @param {unknown} error */
function isMissing(error) {
    return error instanceof GatewayError && error.code === "not_found";
}
