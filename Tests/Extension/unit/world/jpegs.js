// @ts-check
import { mp4Bytes } from "./clip-server.js";

/** Sixteen frames that begin and end as JPEGs do, and their times. */
export const JPEGS = [...Array(16)].map((_, index) => Buffer.concat([
    Buffer.from([0xff, 0xd8, 0xff, 0xe0]), mp4Bytes(2000, index + 1), Buffer.from([0xff, 0xd9]),
]));
export const TIMES = JPEGS.map((_, index) => index * 0.5 + 0.04);
