// @ts-check
/**
 * Which part of a captured tab is the video. Pure.
 *
 * @typedef {import("../shared/messages.js").Measure} Measure
 * @typedef {import("../shared/messages.js").Rectangle} Rectangle
 *
 * @typedef {object} Crop
 * @property {Rectangle} from  in the picture's pixels
 * @property {{width: number, height: number}} to  the size to draw it at
 */

export const LONGEST_SIDE_PIXELS = 1280;
const LEAST_SIDE_PIXELS = 32;
/** Less of a video in sight is too little to judge it by. */
const LEAST_VISIBLE_SHARE = 0.7;
const STILL_PIXELS = 1;

/**
 * @param {Measure} measure  of the top frame
 * @param {{width: number, height: number}} picture  of the whole tab
 * @returns {Crop | null}  null: too little of the video is in sight
 */
export function cropOf({ rectangle, viewport }, picture) {
    const visible = intersection(rectangle, { x: 0, y: 0, ...viewport });
    const area = rectangle.width * rectangle.height;
    if (area <= 0 || (visible.width * visible.height) / area < LEAST_VISIBLE_SHARE) return null;
    const scaleX = picture.width / viewport.width;
    const scaleY = picture.height / viewport.height;
    const from = inwards({ x: visible.x * scaleX, y: visible.y * scaleY, width: visible.width * scaleX, height: visible.height * scaleY });
    if (Math.min(from.width, from.height) < LEAST_SIDE_PIXELS) return null;
    const shrink = Math.min(1, LONGEST_SIDE_PIXELS / Math.max(from.width, from.height));
    return { from, to: { width: Math.round(from.width * shrink), height: Math.round(from.height * shrink) } };
}

/**
 * Whether a video stood still on the screen between two measures.
 * @param {Measure} before
 * @param {Measure} after
 */
export function isStill(before, after) {
    const one = before.rectangle;
    const other = after.rectangle;
    const differences = [one.x - other.x, one.y - other.y, one.width - other.width, one.height - other.height];
    return differences.every((difference) => Math.abs(difference) <= STILL_PIXELS);
}

/**
 * @param {Rectangle} one
 * @param {Rectangle} other
 * @returns {Rectangle}
 */
function intersection(one, other) {
    const x = Math.max(one.x, other.x);
    const y = Math.max(one.y, other.y);
    const right = Math.min(one.x + one.width, other.x + other.width);
    const bottom = Math.min(one.y + one.height, other.y + other.height);
    return { x, y, width: Math.max(0, right - x), height: Math.max(0, bottom - y) };
}

/**
 * To whole pixels, none of which shows what lies around the video.
 * @param {Rectangle} rectangle
 * @returns {Rectangle}
 */
function inwards({ x, y, width, height }) {
    const left = Math.ceil(x);
    const top = Math.ceil(y);
    return { x: left, y: top, width: Math.floor(x + width) - left, height: Math.floor(y + height) - top };
}
