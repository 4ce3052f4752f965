// @ts-check
/**
 * A verdict small enough to be kept: of very many faces in many frames, the frames of those that did not decide are left out. Pure.
 */

export const MAXIMUM_VERDICT_LENGTH = 256 * 1024;

/**
 * @param {any} verdict
 * @returns {object}
 */
export function keptVerdict(verdict) {
    if (!Array.isArray(verdict.tracks) || JSON.stringify(verdict).length <= MAXIMUM_VERDICT_LENGTH) return verdict;
    // The order stays: `decidedBy` is an index.
    const decided = verdict.tracks[verdict.decidedBy];
    const tracks = verdict.tracks.map((/** @type {any} */ track) => (track === decided ? track : { ...track, frames: [] }));
    const kept = { ...verdict, tracks };
    return JSON.stringify(kept).length <= MAXIMUM_VERDICT_LENGTH ? kept : { ...verdict, tracks: [] };
}
