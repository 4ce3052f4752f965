// @ts-check
/**
 * Many controls as one stop of the Tab key: arrow keys go from one to the next, Home and End to the ends (ARIA's "roving tabindex").
 *
 * @typedef {HTMLElement | SVGElement} Item
 */

/**
 * @param {Item} container
 * @param {() => Item[]} items  in their order
 */
export function rove(container, items) {
    container.addEventListener("keydown", (/** @type {Event} */ event) => {
        if (!(event instanceof KeyboardEvent) || event.ctrlKey || event.metaKey || event.altKey) return;
        const all = items();
        const from = all.findIndex((item) => item === event.target);
        const to = from < 0 ? undefined : all[destination(event.key, from, all.length, isMirrored(container))];
        if (!to) return;
        event.preventDefault();
        stopAt(all, to);
        to.focus();
    });
    container.addEventListener("focusin", (/** @type {Event} */ event) => {
        const all = items();
        const focused = all.find((item) => item === event.target);
        if (focused) stopAt(all, focused);
    });
}

/**
 * @param {Item[]} items
 * @param {Item} stop  the one that the Tab key reaches
 */
export function stopAt(items, stop) {
    for (const item of items) item.setAttribute("tabindex", item === stop ? "0" : "-1");
}

/**
 * @param {string} key
 * @param {number} from
 * @param {number} count
 * @param {boolean} isMirrored
 * @returns {number}  -1 where the key means nothing
 */
export function destination(key, from, count, isMirrored) {
    const forth = isMirrored ? "ArrowLeft" : "ArrowRight";
    const back = isMirrored ? "ArrowRight" : "ArrowLeft";
    if (key === forth || key === "ArrowDown") return Math.min(count - 1, from + 1);
    if (key === back || key === "ArrowUp") return Math.max(0, from - 1);
    if (key === "Home") return 0;
    return key === "End" ? count - 1 : -1;
}

/** @param {Item} container */
function isMirrored(container) {
    return getComputedStyle(container).direction === "rtl";
}
