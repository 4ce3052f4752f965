// @ts-check
/**
 * What kind of clip bytes are, by how they begin: gateways compare it with the media type that a clip is sent as. Pure.
 */

/** So many of the first bytes tell it. */
export const PREFIX_BYTES = 400;
export const MOTION_JPEG = "video/x-motion-jpeg";

const MP4_BOXES = ["ftyp", "moov", "mdat", "wide", "free", "skip", "pnot"];
/** Types that a video may be called by where its bytes are of a kind that is not known here. */
const OTHER_VIDEO_TYPE = /^video\/[\w.+-]+$/;

/**
 * The media type to send a clip with.
 * @param {Uint8Array} prefix
 * @param {string} declared  a Content-Type
 * @returns {string | null}  null: it is no video
 */
export function clipType(prefix, declared) {
    const known = typeOfBytes(prefix);
    if (known) return known;
    const type = declared.split(";")[0].trim().toLowerCase();
    return OTHER_VIDEO_TYPE.test(type) && !looksLikeText(prefix) ? type : null;
}

/**
 * @param {Uint8Array} prefix
 * @returns {boolean}
 */
export function isJpeg(prefix) {
    return begins(prefix, [0xff, 0xd8, 0xff]);
}

/**
 * @param {Uint8Array} prefix
 * @returns {string | null}
 */
function typeOfBytes(prefix) {
    if (MP4_BOXES.some((box) => says(prefix, box, 4))) return "video/mp4";
    if (begins(prefix, [0x1a, 0x45, 0xdf, 0xa3])) return "video/webm";
    if (says(prefix, "OggS")) return "video/ogg";
    if (says(prefix, "RIFF") && says(prefix, "AVI ", 8)) return "video/x-msvideo";
    if (begins(prefix, [0, 0, 1, 0xba])) return "video/mpeg";
    return isTransportStream(prefix) ? "video/mp2t" : null;
}

/** @param {Uint8Array} prefix */
function isTransportStream(prefix) {
    return prefix.length > 376 && [0, 188, 376].every((offset) => prefix[offset] === 0x47);
}

/**
 * Playlists and pages, whatever they are called.
 * @param {Uint8Array} prefix
 */
function looksLikeText(prefix) {
    return prefix.length === 0 || prefix.every((byte) => byte >= 0x20 || byte === 9 || byte === 10 || byte === 13);
}

/**
 * @param {Uint8Array} prefix
 * @param {number[]} bytes
 * @param {number} [offset]
 */
function begins(prefix, bytes, offset = 0) {
    return prefix.length >= offset + bytes.length && bytes.every((byte, index) => prefix[offset + index] === byte);
}

/**
 * @param {Uint8Array} prefix
 * @param {string} text
 * @param {number} [offset]
 */
function says(prefix, text, offset = 0) {
    return begins(prefix, Array.from(text, (character) => character.charCodeAt(0)), offset);
}
