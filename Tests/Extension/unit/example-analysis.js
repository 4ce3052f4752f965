// @ts-check
import { readFileSync } from "node:fs";
import { lookupIn, Translator } from "../../../extension/shared/translate.js";

/** @typedef {import("../../../extension/shared/types.js").Analysis} Analysis */

export const LOCALES = new URL("../../../extension/_locales/", import.meta.url);
const JOB = "01a20586-1e05-750b-84c4-4c1507d8c994";
const FRAMES = `/api/jobs/${JOB}/frames`;

/** @param {string} folder */
export function messagesOf(folder) {
    return JSON.parse(readFileSync(new URL(`${folder}/messages.json`, LOCALES), "utf8"));
}

/** @param {string} folder */
export function translatorOf(folder) {
    return new Translator(lookupIn(messagesOf(folder)), folder);
}

/**
 * A verdict as docs/api.md has it.
 * @param {Record<string, any>} [changes]
 * @param {number[]} [probabilities]  of its frames
 */
export function verdict(changes = {}, probabilities = [0.9, 0.95, 0.97, 0.99]) {
    return {
        label: "fake", probability: 0.96, confidence: 0.96, logit: 3.2, threshold: 0.5, abstention: [0.4, 0.6],
        model: { name: "resnet18-face", version: "2", sha256: "90f9", trained: true, region: "frame", precision: "split", temperature: 1 },
        video: { codec: "h264", width: 480, height: 480, durationSeconds: 4, frameCount: 100, sha256: "dbbc" },
        sampling: { mode: "exact", count: probabilities.length, toleranceSeconds: 0 }, decidedBy: 0,
        tracks: [track(probabilities)],
        reasons: [], warnings: [], reused: false, timings: { decodeMilliseconds: 61, forwardMilliseconds: 121, drawMilliseconds: 206 },
        ...changes,
    };
}

/** @param {number[]} probabilities */
export function track(probabilities) {
    return {
        track: 0, label: "fake", logit: 3.2, probability: 0.96, gradcamRange: [-0.1, 0.1],
        frames: probabilities.map((probability, index) => ({
            index, frameNumber: index * 25, timestampSeconds: index + 0.12, logit: 1, probability, contribution: 0.8,
            links: { image: `${FRAMES}/${index}/image.jpg`, gradcam: `${FRAMES}/${index}/gradcam.jpg`, map: `${FRAMES}/${index}/gradcam.png` },
        })),
    };
}

/**
 * @param {Partial<Analysis>} [changes]
 * @returns {Analysis}
 */
export function analysis(changes = {}) {
    return {
        id: "5c9e4a40-7c1f-4a53-9b8e-3b1f4c1a2d3e", state: "succeeded",
        createdAt: 1_795_000_000_000, changedAt: 1_795_000_009_000, endedAt: 1_795_000_009_000,
        pageOrigin: "https://news.example", pageTitle: "An interview",
        source: { kind: "http", url: "https://cdn.example/a/clip.mp4?token=secret#t=3" }, durationSeconds: 4,
        isVisible: true, isAutomatic: false, isFresh: false, isReused: false, readings: 0, method: "file", progress: 1, failures: 0,
        jobId: JOB, verdict: verdict(), ...changes,
    };
}
