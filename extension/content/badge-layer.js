// @ts-check
"use strict";
var whorl = whorl || {};

/**
 * @typedef {InstanceType<typeof whorl.Badge>} BadgeOfVideo
 *
 * @typedef {object} HungBadge
 * @property {TrackedVideo} tracked
 * @property {BadgeOfVideo} badge
 * @property {Element | ShadowRoot | null} holder  what its host is in
 * @property {Element | null} fullscreenElement  as it was when the host was put there
 * @property {boolean} wantsLook  what lies at the corners is to be looked at
 * @property {Element[]} clippers  elements around the video that cut off what is outside them
 * @property {boolean} isRendered  the video can be seen and used, as far as style and modal things go
 * @property {Anchor} anchor
 * @property {Corner | null} corner
 * @property {number} cornerChanges
 * @property {Partial<Record<Corner, CornerState>>} states
 * @property {{video: Box, scroll: Point} | null} before
 * @property {number} awayUntil  it stays out of the picture
 */

/**
 * The badges of all videos that are to have one.
 *
 * Their hosts are popovers, so that no style, no stacking and no frame of the page holds them; they hang in the document's element, or in what is
 * itself on top of the page and has the video within. A badge is at a place of the document, so that scrolling needs no work.
 */
whorl.BadgeLayer = class BadgeLayer {
    static MAXIMUM_BADGES = 50;
    /** So often are hosts put back that the page took away, all badges together; then there are none on this page. */
    static MAXIMUM_REMOVALS = 10;
    static MAXIMUM_CORNER_CHANGES = 20;
    static LOOK_MILLISECONDS = 500;
    /** Looking takes at most this share of the time; while nothing happens, the other. */
    static LOOK_SHARE = 1 / 50;
    static SLICE_MILLISECONDS = 8;
    static TICK_LOOK_SHARE = 1 / 400;
    static AWAY_MILLISECONDS = 1500;
    static PAINT_MILLISECONDS = 250;
    static LAYOUT_EVENTS = ["scroll", "scrollend", "transitionend", "animationend", "toggle", "load"];
    static LOOK_EVENTS = ["scrollend", "toggle"];

    /** @type {Map<HTMLVideoElement, HungBadge>} */
    #badges = new Map();
    #styleSheet = whorl.badgeLook.styleSheet();
    /** @type {"ltr"|"rtl"} */
    #direction = "ltr";
    #frame = 0;
    #removals = 0;
    #lookedAt = -Infinity;
    #lookMilliseconds = 0;
    #lookUntil = 0;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    #restTimer;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    #lookTimer;
    /** @type {Element[]} */
    #modals = [];
    #isStopped = false;
    /** @type {Set<TreeRoot>} */
    #roots = new Set();
    /** @type {Set<ReturnType<typeof setTimeout>>} */
    #returns = new Set();
    #sizes = new ResizeObserver(() => this.look());
    #onLayoutEvent = (/** @type {Event} */ event) => (BadgeLayer.LOOK_EVENTS.includes(event.type) ? this.lookSoon() : this.schedule());
    #onScreenEvent = () => this.look();

    /**
     * @param {object} outside
     * @param {BadgeWords} outside.words
     * @param {(element: Element) => ShadowRoot | null} outside.shadowRootOf
     * @param {(deed: BadgeDeed, videoId: string) => Promise<void>} outside.onDeed
     */
    constructor({ words, shadowRootOf, onDeed }) {
        this.words = words;
        this.shadowRootOf = shadowRootOf;
        this.onDeed = onDeed;
        this.listenAgain();
    }

    /** Also where the document was opened anew, which takes its listeners away. */
    listenAgain() {
        addEventListener("resize", this.#onScreenEvent, { passive: true });
        document.addEventListener("fullscreenchange", this.#onScreenEvent);
        this.#sizes.observe(document.documentElement);
        for (const root of this.#roots) this.listenIn(root);
    }

    /**
     * Scrolling and the like within a shadow root is seen in it alone.
     * @param {TreeRoot} root
     */
    listenIn(root) {
        this.#roots.add(root);
        for (const name of BadgeLayer.LAYOUT_EVENTS) root.addEventListener(name, this.#onLayoutEvent, { capture: true, passive: true });
    }

    /**
     * Has badges at these videos and no others.
     * @param {Map<TrackedVideo, BadgeView>} wanted
     */
    update(wanted) {
        if (this.#isStopped) return;
        this.#direction = this.words("language_direction") === "rtl" ? "rtl" : "ltr";
        const isWithdrawn = this.#removals > BadgeLayer.MAXIMUM_REMOVALS || !(document.documentElement instanceof HTMLElement);
        const kept = new Map(isWithdrawn ? [] : [...wanted].slice(0, BadgeLayer.MAXIMUM_BADGES));
        for (const hung of this.#badges.values()) {
            if (!kept.has(hung.tracked)) this.#remove(hung);
        }
        for (const [tracked, view] of kept) {
            const hung = this.#badges.get(tracked.video) ?? this.#make(tracked);
            hung.badge.show(view);
        }
        this.schedule();
    }

    /** Called every few seconds while the page is visible. On a page where looking takes long it is done the more seldom. */
    tick() {
        if (performance.now() - this.#lookedAt >= this.#lookMilliseconds / BadgeLayer.TICK_LOOK_SHARE) this.look();
    }

    /** Looks again at what lies around every badge, twice a second at most. */
    lookSoon() {
        this.schedule();
        const wait = Math.max(0, this.#lookedAt + Math.max(BadgeLayer.LOOK_MILLISECONDS, this.#lookMilliseconds / BadgeLayer.LOOK_SHARE) - performance.now());
        if (this.#badges.size > 0) this.#lookTimer ??= setTimeout(() => this.look(), wait);
    }

    /** Looks again at what lies around every badge. */
    look() {
        clearTimeout(this.#lookTimer);
        this.#lookTimer = undefined;
        this.#lookedAt = performance.now();
        this.#modals = [...document.querySelectorAll(":modal")];
        for (const hung of this.#badges.values()) hung.wantsLook = true;
        this.schedule();
    }

    /** Sees to the badges' places before the next frame is painted. */
    schedule() {
        if (this.#frame === 0 && this.#badges.size > 0) this.#frame = requestAnimationFrame(() => this.#onFrame());
    }

    /**
     * Takes a video's badge out of the picture for a while.
     * @param {HTMLVideoElement} video
     * @returns {Promise<void>}  once that is painted
     */
    async clear(video) {
        const hung = this.#badges.get(video);
        if (!hung) return;
        const wasShown = hung.badge.isShown;
        hung.awayUntil = performance.now() + BadgeLayer.AWAY_MILLISECONDS;
        hung.badge.place(null);
        const back = setTimeout(() => {
            this.#returns.delete(back);
            this.schedule();
        }, BadgeLayer.AWAY_MILLISECONDS + 1);
        this.#returns.add(back);
        if (wasShown) await whorl.waits.painted(BadgeLayer.PAINT_MILLISECONDS);
    }

    stop() {
        this.#isStopped = true;
        cancelAnimationFrame(this.#frame);
        clearTimeout(this.#lookTimer);
        clearTimeout(this.#restTimer);
        this.#sizes.disconnect();
        this.#returns.forEach((timer) => clearTimeout(timer));
        removeEventListener("resize", this.#onScreenEvent);
        document.removeEventListener("fullscreenchange", this.#onScreenEvent);
        for (const root of this.#roots) {
            for (const name of BadgeLayer.LAYOUT_EVENTS) root.removeEventListener(name, this.#onLayoutEvent, { capture: true });
        }
        for (const hung of this.#badges.values()) this.#remove(hung);
    }

    /**
     * @param {TrackedVideo} tracked
     * @returns {HungBadge}
     */
    #make(tracked) {
        const badge = new whorl.Badge({
            words: this.words,
            direction: this.#direction,
            styleSheet: this.#styleSheet,
            onDeed: (deed) => this.onDeed(deed, tracked.videoId),
            isOverVideo: () => this.#isOverVideo(hung),
        });
        /** @type {HungBadge} */
        const hung = {
            tracked, badge, holder: null, fullscreenElement: null, wantsLook: true, clippers: [], isRendered: true,
            anchor: "document", corner: null, cornerChanges: 0, states: {}, before: null, awayUntil: 0,
        };
        this.#badges.set(tracked.video, hung);
        this.#sizes.observe(tracked.video);
        return hung;
    }

    /** @param {HungBadge} hung */
    #remove(hung) {
        this.#badges.delete(hung.tracked.video);
        this.#sizes.unobserve(hung.tracked.video);
        hung.badge.stop();
    }

    /** All is read before anything is written, so that the page is laid out once. */
    #onFrame() {
        this.#frame = 0;
        for (const hung of this.#badges.values()) this.#hang(hung);
        if (this.#removals > BadgeLayer.MAXIMUM_REMOVALS) {
            this.update(new Map());
            return;
        }
        const start = performance.now();
        const isLooking = [...this.#badges.values()].some((hung) => hung.wantsLook);
        this.#lookUntil = start + BadgeLayer.SLICE_MILLISECONDS;
        const places = [...this.#badges.values()].map((hung) => this.#placeOf(hung));
        if (isLooking) this.#noteLook(performance.now() - start);
        [...this.#badges.values()].forEach((hung, index) => {
            hung.badge.setCompact(places[index].isCompact);
            hung.badge.place(places[index].place);
        });
    }

    /**
     * Among thousands of videos one look at one point takes the browser a tenth of a second: then the badges are looked at one by one, with rests.
     * @param {number} milliseconds
     */
    #noteLook(milliseconds) {
        this.#lookMilliseconds = milliseconds;
        if (![...this.#badges.values()].some((hung) => hung.wantsLook)) return;
        this.#restTimer ??= setTimeout(() => {
            this.#restTimer = undefined;
            this.schedule();
        }, milliseconds / BadgeLayer.LOOK_SHARE);
    }

    /**
     * Sees to it that the host is where it belongs, and on top.
     * @param {HungBadge} hung
     */
    #hang(hung) {
        const { host } = hung.badge;
        const isTakenAway = hung.holder?.isConnected && (host.parentNode !== hung.holder || !host.matches(":popover-open"));
        if (isTakenAway) this.#removals += 1;
        if (!hung.wantsLook && !isTakenAway && host.isConnected) return;
        const holder = this.#holderOf(hung.tracked.video);
        if (holder === hung.holder && !isTakenAway && hung.fullscreenElement === document.fullscreenElement) return;
        hung.holder = holder;
        hung.fullscreenElement = document.fullscreenElement;
        host.popover = "manual";
        holder.append(host);
        host.showPopover();
    }

    /**
     * The document's element; where the video is within something that is on top of the page, that: all else is then under it, or out of reach.
     * @param {HTMLVideoElement} video
     * @returns {Element | ShadowRoot}
     */
    #holderOf(video) {
        for (let element = whorl.flatParent(video); element; element = whorl.flatParent(element)) {
            if (element.matches(whorl.ON_TOP) && element !== document.documentElement) return this.shadowRootOf(element) ?? element;
        }
        return document.documentElement;
    }

    /**
     * @param {HungBadge} hung
     * @returns {{isCompact: boolean, place: {anchor: Anchor, left: number, top: number} | null}}
     */
    #placeOf(hung) {
        const video = hung.tracked.video.getBoundingClientRect();
        const isCompact = whorl.badgePlace.isCompact(video);
        const scroll = { x: scrollX, y: scrollY };
        if (hung.before) hung.anchor = whorl.badgePlace.anchorAfter(hung.anchor, hung.before, { video, scroll });
        hung.before = { video, scroll };
        const size = hung.badge.body.getBoundingClientRect();
        if (hung.wantsLook && !this.#restTimer && performance.now() < this.#lookUntil) this.#lookAround(hung, video, size);
        const corner = this.#cornerOf(hung, video, size);
        hung.badge.setReach(!hung.tracked.video.matches(":fullscreen"));
        if (!corner || performance.now() < hung.awayUntil) return { isCompact, place: null };
        const { left, top } = whorl.badgePlace.boxAt(corner, video, size);
        const isFixed = hung.anchor === "viewport";
        // Whole pixels keep the text sharp.
        return { isCompact, place: { anchor: hung.anchor, left: Math.round(left + (isFixed ? 0 : scroll.x)), top: Math.round(top + (isFixed ? 0 : scroll.y)) } };
    }

    /**
     * @param {HungBadge} hung
     * @param {DOMRect} video
     * @param {DOMRect} size
     */
    #cornerOf(hung, video, size) {
        if (!hung.isRendered || !whorl.badgePlace.isLargeEnough(video)) return null;
        const corner = whorl.badgePlace.chooseCorner({
            video, size, states: hung.states, direction: this.#direction, hasNativeControls: hung.tracked.video.controls,
            clip: whorl.badgePlace.intersection(hung.clippers.map((clipper) => clipper.getBoundingClientRect())),
        });
        if (corner && hung.corner && corner !== hung.corner) {
            if (hung.cornerChanges >= BadgeLayer.MAXIMUM_CORNER_CHANGES) return hung.states[hung.corner] === "covered" ? null : hung.corner;
            hung.cornerChanges += 1;
        }
        if (corner) hung.corner = corner;
        return corner;
    }

    /**
     * @param {HungBadge} hung
     * @param {DOMRect} video
     * @param {DOMRect} size
     */
    #lookAround(hung, video, size) {
        hung.wantsLook = false;
        hung.clippers = whorl.clippersOf(hung.tracked.video);
        // A modal dialog, or what is in full screen, puts all that is not in it out of reach.
        const isUnder = this.#modals.some((modal) => !whorl.isWithin(hung.tracked.video, modal));
        hung.isRendered = !isUnder && hung.tracked.video.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true });
        for (const corner of whorl.badgePlace.corners(this.#direction)) {
            hung.states[corner] = whorl.badgePlace.stateAfter(hung.states[corner], this.#stateAt(hung, corner, video, size));
            if (hung.states[corner] === "free" || performance.now() > this.#lookUntil) break;
        }
    }

    /**
     * @param {HungBadge} hung
     * @param {Corner} corner
     * @param {DOMRect} video
     * @param {DOMRect} size
     * @returns {CornerState}
     */
    #stateAt(hung, corner, video, size) {
        const isOwn = (/** @type {Element} */ element) => [...this.#badges.values()].some(({ badge }) => badge.host === element);
        const box = whorl.badgePlace.boxAt(corner, video, size);
        const isThere = hung.badge.isShown && hung.corner === corner;
        const points = isThere ? whorl.badgePlace.pointsAround(corner, box) : whorl.badgePlace.pointsOf(box);
        const hits = points.map((point, index) => {
            const isLate = index > 0 && performance.now() > this.#lookUntil;
            return isLate ? null : whorl.hitAt(point, hung.tracked.video, isOwn, this.shadowRootOf);
        });
        return whorl.badgePlace.cornerState(hits, video);
    }

    /**
     * Looked at when it is clicked: what is laid over a video does not lie over its badge, but means that nobody is to use it.
     * @param {HungBadge} hung
     */
    #isOverVideo(hung) {
        const { tracked: { video }, badge, corner } = hung;
        this.#lookUntil = Infinity;
        return corner !== null && this.#stateAt(hung, corner, video.getBoundingClientRect(), badge.body.getBoundingClientRect()) !== "covered";
    }
};
