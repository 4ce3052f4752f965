// @ts-check
"use strict";
var whorl = whorl || {};

/**
 * @typedef {object} Surroundings  what is common to all badges
 * @property {"ltr"|"rtl"} direction
 * @property {Element[]} modals  what puts everything else out of reach
 * @property {(element: Element) => boolean} isBadge
 * @property {(element: Element) => ShadowRoot | null} shadowRootOf
 */

/** Where one video's badge is, and what is known of the places where it could be. */
whorl.BadgePosition = class BadgePosition {
    static MAXIMUM_CORNER_CHANGES = 20;
    /** For a look, while the page has no time for it. */
    static MAXIMUM_WAITS = 2;

    /** What lies around the video is to be looked at. */
    wantsLook = true;
    /** @type {Element[]}  elements around the video that cut off what is outside them */
    #clippers = [];
    /** The video can be seen and used, as far as style and modal things go. */
    #isRendered = true;
    /** @type {Anchor} */
    #anchor = "document";
    /** @type {Corner | null} */
    #corner = null;
    #cornerChanges = 0;
    #waits = 0;
    /** @type {Partial<Record<Corner, CornerState>>} */
    #states = {};
    /** @type {{video: Box, scroll: Point} | null} */
    #before = null;

    /**
     * @param {HTMLVideoElement} video
     * @param {Surroundings} surroundings
     */
    constructor(video, surroundings) {
        this.video = video;
        this.surroundings = surroundings;
    }

    /**
     * @param {DOMRect} size  the badge's
     * @param {boolean} isShown  the badge is there now
     * @param {InstanceType<typeof whorl.LookBudget>} budget
     * @returns {{isCompact: boolean, place: {anchor: Anchor, left: number, top: number} | null}}
     */
    find(size, isShown, budget) {
        const video = this.video.getBoundingClientRect();
        const isCompact = whorl.badgePlace.isCompact(video);
        const scroll = { x: scrollX, y: scrollY };
        if (this.#before) this.#anchor = whorl.badgePlace.anchorAfter(this.#anchor, this.#before, { video, scroll });
        this.#before = { video, scroll };
        if (this.wantsLook && budget.isOpen) this.#lookAround(video, size, isShown, budget);
        if (this.#isToWait()) return { isCompact, place: null };
        const corner = this.#isRendered && whorl.badgePlace.isLargeEnough(video) ? this.#chooseCorner(video, size) : null;
        if (!corner) return { isCompact, place: null };
        const { left, top } = whorl.badgePlace.boxAt(corner, video, size);
        const origin = this.#anchor === "viewport" ? { x: 0, y: 0 } : scroll;
        // Whole pixels keep the text sharp.
        return { isCompact, place: { anchor: this.#anchor, left: Math.round(left + origin.x), top: Math.round(top + origin.y) } };
    }

    /** Where nobody has looked yet there may be controls, and once the badge is over them they are hard to see: so it waits, but not for long. */
    #isToWait() {
        if (Object.keys(this.#states).length > 0 || this.#waits >= BadgePosition.MAXIMUM_WAITS) return false;
        this.#waits += 1;
        return true;
    }

    /**
     * Asked when it is clicked: what is laid over a video does not lie over its badge, but means that nobody is to use it.
     * @param {DOMRect} size
     */
    isOverVideo(size) {
        const video = this.video.getBoundingClientRect();
        return this.#corner !== null && this.#stateAt(this.#corner, video, size, true, () => true) !== "covered";
    }

    /**
     * @param {DOMRect} video
     * @param {DOMRect} size
     * @returns {Corner | null}
     */
    #chooseCorner(video, size) {
        const corner = whorl.badgePlace.chooseCorner({
            video, size, states: this.#states, direction: this.surroundings.direction, hasNativeControls: this.video.controls,
            clip: whorl.badgePlace.intersection(this.#clippers.map((clipper) => clipper.getBoundingClientRect())),
        });
        if (corner && this.#corner && corner !== this.#corner) {
            const isTired = this.#cornerChanges >= BadgePosition.MAXIMUM_CORNER_CHANGES;
            if (isTired) return this.#states[this.#corner] === "covered" ? null : this.#corner;
            this.#cornerChanges += 1;
        }
        this.#corner = corner ?? this.#corner;
        return corner;
    }

    /**
     * @param {DOMRect} video
     * @param {DOMRect} size
     * @param {boolean} isShown
     * @param {InstanceType<typeof whorl.LookBudget>} budget
     */
    #lookAround(video, size, isShown, budget) {
        this.wantsLook = false;
        this.#clippers = whorl.clippersOf(this.video);
        const isUnder = this.surroundings.modals.some((modal) => !whorl.isWithin(this.video, modal));
        this.#isRendered = !isUnder && this.video.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true });
        for (const corner of whorl.badgePlace.corners(this.surroundings.direction)) {
            const now = this.#stateAt(corner, video, size, isShown && corner === this.#corner, () => budget.isOpen);
            this.#states[corner] = whorl.badgePlace.stateAfter(this.#states[corner], now);
            if (this.#states[corner] === "free" || !budget.isOpen) break;
        }
    }

    /**
     * @param {Corner} corner
     * @param {DOMRect} video
     * @param {DOMRect} size
     * @param {boolean} isThere  the badge is at this corner
     * @param {() => boolean} hasTime
     * @returns {CornerState}
     */
    #stateAt(corner, video, size, isThere, hasTime) {
        const box = whorl.badgePlace.boxAt(corner, video, size);
        const points = isThere ? whorl.badgePlace.pointsAround(corner, box) : whorl.badgePlace.pointsOf(box);
        const { isBadge, shadowRootOf } = this.surroundings;
        const hitAt = (/** @type {Point} */ point) => whorl.hitAt(point, this.video, isBadge, shadowRootOf);
        const hits = points.map((point, index) => (index === 0 || hasTime() ? hitAt(point) : null));
        return whorl.badgePlace.cornerState(hits, video);
    }
};
