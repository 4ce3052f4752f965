// @ts-check
"use strict";
var whorl = whorl || {};

/**
 * Whether the person could see what was clicked. A page can lay something over a badge, let clicks through it, and so have somebody start
 * what they did not mean to.
 */
whorl.BadgeGuard = class BadgeGuard {
    static LOOK_MILLISECONDS = 150;
    static LONGEST_WAIT_MILLISECONDS = 1000;
    static SETTLED_MILLISECONDS = 300;
    /** What was laid over it and taken away at the press of the button still counts. */
    static UNCOVERED_MILLISECONDS = 1000;

    /** @type {IntersectionObserver | null} */
    #observer = null;
    /** @type {boolean | null}  null: not known yet */
    #isSeen = null;
    #uncoveredAt = -Infinity;
    #movedAt = -Infinity;
    #isWithinReach = true;

    /**
     * @param {HTMLElement} host
     * @param {HTMLElement} body  within the host's root
     */
    constructor(host, body) {
        this.host = host;
        this.body = body;
        // The browser's own sight of what is painted over it costs something: it is asked for only while somebody is about to click.
        for (const name of ["pointerenter", "focusin"]) body.addEventListener(name, () => this.#look());
        body.addEventListener("pointerleave", () => this.#endLooking());
        body.addEventListener("focusout", () => this.#endLooking());
    }

    /**
     * @param {boolean} isWithinReach  false: neither pointer nor focus can come to it, and clicks fall on what is in full screen under it
     */
    setReach(isWithinReach) {
        this.#isWithinReach = isWithinReach;
        if (isWithinReach) this.#endLooking();
        else this.#look();
    }

    /** It was put somewhere else: a click that comes at once was not meant for it. */
    noteMove() {
        this.#movedAt = performance.now();
    }

    stop() {
        this.#observer?.disconnect();
        this.#observer = null;
    }

    /**
     * Whether clicks at its middle and near its corners fall on it, as far as these are within the viewport.
     * @param {HTMLElement} clicked
     */
    isUncovered(clicked) {
        const root = /** @type {Document | ShadowRoot} */ (this.host.getRootNode());
        const rectangle = clicked.getBoundingClientRect();
        const viewport = { left: 0, top: 0, right: document.documentElement.clientWidth, bottom: document.documentElement.clientHeight };
        const { left, top, right, bottom } = whorl.badgePlace.intersection([rectangle, viewport]);
        if (right - left < 8 || bottom - top < 8 || !("elementFromPoint" in root)) return false;
        const corners = [left + 4, right - 4].flatMap((x) => [[x, top + 4], [x, bottom - 4]]);
        const points = [[(left + right) / 2, (top + bottom) / 2], ...corners];
        return points.every(([x, y]) => {
            const hit = root.elementFromPoint(x, y);
            return hit === this.host || (!this.#isWithinReach && hit !== null && hit.matches(":fullscreen"));
        });
    }

    /**
     * Whether nothing is painted over it, see-through things and those that let clicks through as well, nor was a moment ago.
     * @returns {Promise<boolean>}
     */
    async wasSeen() {
        const now = performance.now();
        if (now - this.#movedAt < BadgeGuard.SETTLED_MILLISECONDS) return false;
        this.#look();
        const end = now + BadgeGuard.LONGEST_WAIT_MILLISECONDS;
        while (this.#isSeen === null && performance.now() < end) await whorl.waits.pause(30);
        return this.#isSeen === true && now - this.#uncoveredAt > BadgeGuard.UNCOVERED_MILLISECONDS;
    }

    #look() {
        if (this.#observer) return;
        this.#isSeen = null;
        const options = { trackVisibility: true, delay: BadgeGuard.LOOK_MILLISECONDS, threshold: [0, 1] };
        this.#observer = new IntersectionObserver((entries) => entries.forEach((entry) => this.#note(entry.isVisible)), options);
        this.#observer.observe(this.body);
    }

    /** @param {boolean} isSeen */
    #note(isSeen) {
        if (isSeen && this.#isSeen === false) this.#uncoveredAt = performance.now();
        this.#isSeen = isSeen;
    }

    #endLooking() {
        if (this.#isWithinReach && !this.body.matches(":hover, :focus-within")) this.stop();
    }
};
