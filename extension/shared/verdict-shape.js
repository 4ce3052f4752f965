// @ts-check
/**
 * The gateway's verdict, checked. What it sends is outside input: texts are cut, lists bounded, numbers finite, picture links of its own
 * API.
 *
 * @typedef {"real"|"fake"|"uncertain"} Label
 *
 * @typedef {object} Frame
 * @property {number} index
 * @property {number} timestampSeconds
 * @property {number} probability
 * @property {number} contribution
 * @property {string} image  path of the picture; empty where there is none
 * @property {string} gradcam
 *
 * @typedef {object} Track
 * @property {number} track
 * @property {Label} label
 * @property {number} probability
 * @property {Frame[]} frames
 *
 * @typedef {object} Verdict
 * @property {Label} label
 * @property {number|null} probability  null: nothing was judged
 * @property {number} threshold
 * @property {[number, number]} abstention
 * @property {number|null} decidedBy  index into tracks
 * @property {{name: string, version: string, sha256: string, isTrained: boolean, looksAtFaces: boolean}} model
 * @property {{codec: string, width: number, height: number, durationSeconds: number}} video
 * @property {{mode: string, count: number, toleranceSeconds: number}} sampling
 * @property {Track[]} tracks
 * @property {string[]} reasons
 * @property {string[]} warnings
 * @property {boolean} isReused
 */

const MAXIMUM_TRACKS = 64;
const MAXIMUM_FRAMES = 64;
const MAXIMUM_CODES = 32;
const MAXIMUM_TEXT = 200;
const PICTURE_LINK = /^\/api\/jobs\/[0-9a-f-]{36}\/frames\/\d{1,6}\/[a-z-]{1,20}\.(jpg|png)(\?track=\d{1,6})?$/i;

/**
 * @param {unknown} value
 * @returns {Verdict | null}  null where it is no verdict
 */
export function readVerdict(value) {
    const verdict = members(value);
    const label = readLabel(verdict.label);
    const threshold = fraction(verdict.threshold);
    if (label === null || threshold === null) return null;
    const model = members(verdict.model);
    const video = members(verdict.video);
    const sampling = members(verdict.sampling);
    const found = list(verdict.tracks, MAXIMUM_TRACKS).map(readTrack);
    const tracks = found.filter(isPresent);
    // By identity: a track that was left out must not make its neighbour the one that decided.
    const deciding = found[number(verdict.decidedBy, -1)];
    return {
        label,
        probability: fraction(verdict.probability),
        threshold,
        abstention: readBand(verdict.abstention, threshold),
        decidedBy: deciding ? tracks.indexOf(deciding) : null,
        model: {
            name: text(model.name), version: text(model.version), sha256: text(model.sha256),
            // What does not say that it was trained is not taken for trained.
            isTrained: model.trained === true, looksAtFaces: model.region === "face",
        },
        video: {
            codec: text(video.codec), width: number(video.width), height: number(video.height),
            durationSeconds: Math.max(0, number(video.durationSeconds)),
        },
        sampling: {
            mode: text(sampling.mode), count: number(sampling.count), toleranceSeconds: Math.max(0, number(sampling.toleranceSeconds)),
        },
        tracks,
        reasons: list(verdict.reasons, MAXIMUM_CODES).map(text).filter(Boolean),
        warnings: list(verdict.warnings, MAXIMUM_CODES).map(text).filter(Boolean),
        isReused: verdict.reused === true,
    };
}

/**
 * The track that the label is about, else the first.
 * @param {Verdict} verdict
 * @returns {Track | undefined}
 */
export function decidingTrack(verdict) {
    return verdict.tracks[verdict.decidedBy ?? 0];
}

/**
 * Where a probability lies: above the band of abstention, inside, or below.
 * @param {Verdict} verdict
 * @param {number} probability
 * @returns {"above"|"inside"|"below"}
 */
export function sideOfBand({ abstention: [low, high], threshold }, probability) {
    if (low === high) return probability >= threshold ? "above" : "below";
    if (probability > high) return "above";
    return probability < low ? "below" : "inside";
}

/**
 * @param {unknown} value
 * @returns {Track | null}
 */
function readTrack(value) {
    const track = members(value);
    const label = readLabel(track.label);
    const probability = fraction(track.probability);
    if (label === null || probability === null) return null;
    return { track: number(track.track), label, probability, frames: list(track.frames, MAXIMUM_FRAMES).map(readFrame).filter(isPresent) };
}

/**
 * @param {unknown} value
 * @returns {Frame | null}
 */
function readFrame(value) {
    const frame = members(value);
    const links = members(frame.links);
    const probability = fraction(frame.probability);
    if (probability === null) return null;
    return {
        index: number(frame.index),
        timestampSeconds: Math.max(0, number(frame.timestampSeconds)),
        probability,
        contribution: number(frame.contribution),
        image: pictureLink(links.image),
        gradcam: pictureLink(links.gradcam),
    };
}

/**
 * @param {unknown} value
 * @param {number} threshold
 * @returns {[number, number]}
 */
function readBand(value, threshold) {
    const [low, high] = list(value, 2).map(fraction);
    return typeof low === "number" && typeof high === "number" && low <= high ? [low, high] : [threshold, threshold];
}

/**
 * @param {unknown} value
 * @returns {Label | null}
 */
function readLabel(value) {
    return value === "real" || value === "fake" || value === "uncertain" ? value : null;
}

/** @param {unknown} value */
function pictureLink(value) {
    return typeof value === "string" && PICTURE_LINK.test(value) ? value : "";
}

/**
 * @param {unknown} value
 * @returns {Record<string, unknown>}
 */
function members(value) {
    return typeof value === "object" && value !== null ? /** @type {Record<string, unknown>} */ (value) : {};
}

/**
 * @param {unknown} value
 * @param {number} maximum
 * @returns {unknown[]}
 */
function list(value, maximum) {
    return Array.isArray(value) ? value.slice(0, maximum) : [];
}

/** @param {unknown} value */
function text(value) {
    return typeof value === "string" ? value.slice(0, MAXIMUM_TEXT) : "";
}

/**
 * @param {unknown} value
 * @param {number} [otherwise]
 */
function number(value, otherwise = 0) {
    return typeof value === "number" && Number.isFinite(value) ? value : otherwise;
}

/**
 * @param {unknown} value
 * @returns {number | null}
 */
function fraction(value) {
    return typeof value === "number" && value >= 0 && value <= 1 ? value : null;
}

/**
 * @template Value
 * @param {Value | null} value
 * @returns {value is Value}
 */
function isPresent(value) {
    return value !== null;
}
