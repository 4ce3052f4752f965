// @ts-check
"use strict";
var whorl = whorl || {};

/** @typedef {"fake"|"real"|"uncertain"|"untrained"|"idle"|"busy"|"problem"|"cancelled"} BadgeLook */

/** How a badge looks: its style, cut off from the page's, and its drawings. Colours and outlines are those of the extension's own pages. */
whorl.badgeLook = (() => {
    /** Outlines in a box of 20. Each look has a shape of its own, so that colour is never needed to tell them apart. */
    const OUTLINES = Object.freeze({
        fake: ["M10 2.5 18.5 17.5H1.5Z", "M10 8v4.5", "M10 15v.01"],
        real: ["M10 1.8a8.2 8.2 0 1 1 0 16.4a8.2 8.2 0 1 1 0-16.4Z", "M6.2 10.4l2.6 2.6 5-5.4"],
        uncertain: ["M10 1.5 18.5 10 10 18.5 1.5 10Z", "M8 8.2a2 2 0 1 1 2.9 1.8c-.6.3-.9.7-.9 1.4", "M10 13.8v.01"],
        untrained: ["M10 1.8a8.2 8.2 0 1 1 0 16.4a8.2 8.2 0 1 1 0-16.4Z", "M4.3 4.3 15.7 15.7"],
        idle: ["M10 1.8l6.7 2.4v5.3c0 4.2-2.8 7-6.7 8.7c-3.9-1.7-6.7-4.5-6.7-8.7V4.2Z"],
        busy: ["M10 1.8a8.2 8.2 0 1 1 0 16.4a8.2 8.2 0 1 1 0-16.4Z"],
        problem: ["M6.2 1.8h7.6L18.2 6.2v7.6l-4.4 4.4H6.2L1.8 13.8V6.2Z", "M10 5.8v5", "M10 14v.01"],
        cancelled: ["M16.5 4v4h-4", "M16 8A6.7 6.7 0 1 0 16.6 11.5"],
        more: ["M4.5 10v.01M10 10v.01M15.5 10v.01"],
    });

    // `!important` within a shadow root stands above every rule of the page for the host. `all` leaves out `direction`.
    const HOST_STYLE = `
:host {
    all: initial !important;
    direction: ltr !important;
    display: block !important;
    width: max-content !important;
    height: max-content !important;
    overflow: visible !important;
    z-index: 2147483647 !important;
    color-scheme: light dark !important;
}
/* It covers the whole viewport, and so, to the browser's sight, every badge that was opened before. */
:host::backdrop { display: none !important; }
@media print { :host { display: none !important; } }
`;

    const STYLE = `${HOST_STYLE}
.badge {
    --surface: #ffffff; --raised: #eceef2; --ink: #1a1e26; --line: #7b8392; --ring: #ffffff; --focus: #2453c0;
    --fake: #b3261e; --real: #0b6651; --uncertain: #775000; --untrained: #5b3fa8; --busy: #2453c0; --quiet: #545c6b;
    position: relative; display: flex; width: max-content; box-sizing: border-box;
    border: 1px solid var(--line); border-radius: 8px; box-shadow: 0 0 0 1px var(--ring), 0 1px 4px rgb(0 0 0 / 0.35);
    background: var(--surface); color: var(--ink);
    font: 600 13px/18px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; text-align: start; white-space: nowrap;
}
@media (prefers-color-scheme: dark) {
    .badge {
        --surface: #14171c; --raised: #262b34; --ink: #e7e9ee; --line: #7d8593; --ring: #14171c; --focus: #8db2ff;
        --fake: #ff9c92; --real: #6fd6bd; --uncertain: #f0c064; --untrained: #c3b2ff; --busy: #8db2ff; --quiet: #a6adba;
    }
}
button {
    all: unset; box-sizing: border-box; display: inline-flex; align-items: center; min-width: 28px; min-height: 28px;
    cursor: pointer; -webkit-tap-highlight-color: transparent; user-select: none;
}
button:hover { background: var(--raised); }
button:focus-visible { outline: 2px solid var(--focus); outline-offset: 1px; z-index: 1; }
.ask { gap: 6px; padding-inline: 7px 8px; border-start-start-radius: 7px; border-end-start-radius: 7px; }
.more { justify-content: center; border-start-end-radius: 7px; border-end-end-radius: 7px; border-inline-start: 1px solid var(--raised); }
.text { max-width: 180px; overflow: hidden; text-overflow: ellipsis; }
.badge.compact .ask { padding-inline: 5px; }
.badge.compact:not(:hover, :focus-within) :is(.text, .more) { display: none; }
svg {
    display: block; flex: none; width: 16px; height: 16px;
    fill: none; stroke: currentcolor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round;
}
.ask .icon { color: var(--quiet); }
.fake .ask .icon { color: var(--fake); }
.real .ask .icon { color: var(--real); }
.uncertain .ask .icon { color: var(--uncertain); }
.untrained .ask .icon { color: var(--untrained); }
.busy .ask .icon { color: var(--busy); }
.more svg { stroke-width: 3; }
.icon .track { opacity: 0.3; }
.busy.unmeasured .ask .icon { animation: turn 1.4s linear infinite; }
@keyframes turn { to { transform: rotate(1turn); } }
@media (prefers-reduced-motion: reduce) { .busy.unmeasured .ask .icon { animation: none; } }
.menu, .note {
    position: absolute; inset-block-start: calc(100% + 6px); box-sizing: border-box; width: max-content; max-width: 260px;
    border: 1px solid var(--line); border-radius: 8px; box-shadow: 0 0 0 1px var(--ring), 0 2px 10px rgb(0 0 0 / 0.4);
    background: var(--surface); color: var(--ink); font-weight: 400; white-space: normal; left: 0;
}
.menu { padding: 4px; display: grid; }
.note { margin: 0; padding: 8px 10px; }
[hidden] { display: none !important; }
.above :is(.menu, .note) { inset-block: auto calc(100% + 6px); }
.right-aligned :is(.menu, .note) { left: auto; right: 0; }
.menu button { padding: 5px 10px; border-radius: 5px; }
.menu button:focus-visible { outline-offset: -2px; }
.spoken { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media (forced-colors: active) {
    .badge, .menu, .note { border-color: CanvasText; }
    .ask .icon { color: CanvasText !important; }
    button:hover, button:focus-visible { outline: 2px solid Highlight; }
}
`;

    /** @param {import("../shared/types.js").BadgeView} view @returns {BadgeLook} */
    function lookOf({ state, label, isUntrained }) {
        if (state === "succeeded" && label) return isUntrained ? "untrained" : label;
        if (state === "idle" || state === "cancelled") return state;
        return isBusy(state) ? "busy" : "problem";
    }

    /** @param {import("../shared/types.js").BadgeView["state"]} state */
    function isBusy(state) {
        return ["waiting", "reading", "uploading", "queued", "running"].includes(state);
    }

    /** @returns {CSSStyleSheet} */
    function styleSheet() {
        const sheet = new CSSStyleSheet();
        sheet.replaceSync(STYLE);
        return sheet;
    }

    /**
     * @param {keyof typeof OUTLINES} name
     * @param {number} [progress]  0…1, for `busy`
     */
    function drawing(name, progress = 0) {
        const svg = svgElement("svg", { class: "icon", viewBox: "0 0 20 20", "aria-hidden": "true" });
        for (const d of OUTLINES[name]) svg.append(svgElement("path", { d, class: name === "busy" ? "track" : "line" }));
        if (name === "busy") {
            const share = progress > 0 ? Math.min(1, progress) : 0.25;
            const dashes = `${Math.round(share * 100)} 100`;
            svg.append(svgElement("path", { d: OUTLINES.busy[0], pathLength: "100", "stroke-dasharray": dashes }));
        }
        return svg;
    }

    /**
     * @param {string} name
     * @param {Record<string, string>} attributes
     */
    function svgElement(name, attributes) {
        const element = document.createElementNS("http://www.w3.org/2000/svg", name);
        for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
        return element;
    }

    return { OUTLINES, STYLE, lookOf, isBusy, styleSheet, drawing };
})();
