// @ts-check
import { drawing } from "./nodes.js";

/**
 * Outlines in a box of 20, drawn with the text's own colour. Each label has a shape of its own, so that colour is never needed to tell them
 * apart.
 */
const OUTLINES = Object.freeze({
    fake: ["M10 2.5 18.5 17.5H1.5Z", "M10 8v4.5", "M10 15v.01"],
    real: ["M10 1.8a8.2 8.2 0 1 1 0 16.4a8.2 8.2 0 1 1 0-16.4Z", "M6.2 10.4l2.6 2.6 5-5.4"],
    uncertain: ["M10 1.5 18.5 10 10 18.5 1.5 10Z", "M8 8.2a2 2 0 1 1 2.9 1.8c-.6.3-.9.7-.9 1.4", "M10 13.8v.01"],
    untrained: ["M10 1.8a8.2 8.2 0 1 1 0 16.4a8.2 8.2 0 1 1 0-16.4Z", "M4.3 4.3 15.7 15.7"],
    waiting: ["M10 1.8a8.2 8.2 0 1 1 0 16.4a8.2 8.2 0 1 1 0-16.4Z", "M10 5.5V10l3 2"],
    problem: ["M6.2 1.8h7.6L18.2 6.2v7.6l-4.4 4.4H6.2L1.8 13.8V6.2Z", "M10 5.8v5", "M10 14v.01"],
    done: ["M3.5 10.5l4.2 4.2L16.5 5.5"],
    dot: ["M10 7a3 3 0 1 1 0 6a3 3 0 1 1 0-6Z"],
    settings: ["M3 5.5h7M14 5.5h3M3 14.5h3M10 14.5h7", "M12 3.5a2 2 0 1 1 0 4a2 2 0 1 1 0-4Z", "M8 12.5a2 2 0 1 1 0 4a2 2 0 1 1 0-4Z"],
    again: ["M16.5 4v4h-4", "M16 8A6.7 6.7 0 1 0 16.6 11.5"],
    save: ["M10 2.5v10M6 9l4 4 4-4", "M3 16.8h14"],
    remove: ["M3.5 5.5h13M8 5.5V3h4v2.5M5 5.5l.8 11.7h8.4L15 5.5", "M8.3 8.8v5M11.7 8.8v5"],
    link: ["M8 4.5H3.5v12h12V12", "M11.5 3H17v5.5M17 3l-8 8"],
    shield: ["M10 1.8l6.7 2.4v5.3c0 4.2-2.8 7-6.7 8.7c-3.9-1.7-6.7-4.5-6.7-8.7V4.2Z"],
    play: ["M5.5 3.2 16.5 10 5.5 16.8Z"],
    seek: ["M16.5 4v12", "M3.5 4 13 10 3.5 16Z"],
    back: ["M12.5 4.5 7 10l5.5 5.5"],
    forth: ["M7.5 4.5 13 10l-5.5 5.5"],
});

/** @typedef {keyof typeof OUTLINES} IconName */

/**
 * A drawing that says nothing to screen readers: the text beside it does.
 * @param {IconName} name
 */
export function icon(name) {
    const paths = OUTLINES[name].map((d) => drawing("path", { d }));
    return drawing("svg", { class: `icon icon-${name}`, viewBox: "0 0 20 20", "aria-hidden": "true", focusable: "false" }, ...paths);
}
