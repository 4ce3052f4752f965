// @ts-check
"use strict";
var whorl = whorl || {};

/**
 * @typedef {object} HungBadge
 * @property {TrackedVideo} tracked
 * @property {InstanceType<typeof whorl.Badge>} badge
 * @property {InstanceType<typeof whorl.BadgePosition>} position
 * @property {Element | ShadowRoot | null} holder  what its host is in
 * @property {Element | null} fullscreenElement  as it was when the host was put there
 * @property {number} awayUntil  it stays out of the picture
 */

/**
 * The badges of all videos that are to have one.
 *
 * Their hosts are popovers, so that no style, no stacking and no clipping of the page holds them; they hang in the document's element, or
 * in what is itself on top of the page and has the video within. A badge is at a place of the document, so that scrolling needs no work.
 */
whorl.BadgeLayer = class BadgeLayer {
    static MAXIMUM_BADGES = 50;
    /** So often are hosts put back that the page took away, all badges together; then there are none on this page. */
    static MAXIMUM_REMOVALS = 10;
    static AWAY_MILLISECONDS = 1500;
    static PAINT_MILLISECONDS = 250;
    static LAYOUT_EVENTS = ["scroll", "scrollend", "transitionend", "animationend", "toggle", "load"];
    static LOOK_EVENTS = ["scrollend", "toggle"];

    /** @type {Map<HTMLVideoElement, HungBadge>} */
    #badges = new Map();
    #styleSheet = whorl.badgeLook.styleSheet();
    #budget = new whorl.LookBudget();
    /** @type {Surroundings} */
    #surroundings;
    #frame = 0;
    #removals = 0;
    #isStopped = false;
    /** @type {Set<TreeRoot>} */
    #roots = new Set();
    /** @type {Set<ReturnType<typeof setTimeout>>} */
    #returns = new Set();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    #lookTimer;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    #restTimer;
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
        this.onDeed = onDeed;
        const isBadge = (/** @type {Element} */ element) => [...this.#badges.values()].some(({ badge }) => badge.host === element);
        this.#surroundings = { direction: "ltr", modals: [], isBadge, shadowRootOf };
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

    /** @param {TreeRoot} root  that is gone */
    forget(root) {
        this.#roots.delete(root);
        for (const name of BadgeLayer.LAYOUT_EVENTS) root.removeEventListener(name, this.#onLayoutEvent, { capture: true });
    }

    /**
     * Has badges at these videos and no others.
     * @param {Map<TrackedVideo, BadgeView>} wanted
     */
    update(wanted) {
        if (this.#isStopped) return;
        this.#surroundings.direction = this.words("language_direction") === "rtl" ? "rtl" : "ltr";
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

    /** Called every few seconds while the page is visible. */
    tick() {
        if (this.#budget.isIdleLookDue) this.look();
    }

    /** Looks again at what lies around every badge, as soon as that may be. */
    lookSoon() {
        this.schedule();
        if (this.#badges.size > 0) this.#lookTimer ??= setTimeout(() => this.look(), this.#budget.waitMilliseconds);
    }

    /** Looks again at what lies around every badge. */
    look() {
        clearTimeout(this.#lookTimer);
        this.#lookTimer = undefined;
        this.#budget.noteWish();
        // What is modal, or in full screen, puts all that is not in it out of reach.
        this.#surroundings.modals = [...document.querySelectorAll(":modal")];
        for (const { position } of this.#badges.values()) position.wantsLook = true;
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
        [this.#lookTimer, this.#restTimer, ...this.#returns].forEach((timer) => clearTimeout(timer));
        this.#sizes.disconnect();
        removeEventListener("resize", this.#onScreenEvent);
        document.removeEventListener("fullscreenchange", this.#onScreenEvent);
        for (const root of this.#roots) this.forget(root);
        for (const hung of this.#badges.values()) this.#remove(hung);
    }

    /**
     * @param {TrackedVideo} tracked
     * @returns {HungBadge}
     */
    #make(tracked) {
        const position = new whorl.BadgePosition(tracked.video, this.#surroundings);
        /** @type {InstanceType<typeof whorl.Badge>} */
        const badge = new whorl.Badge({
            words: this.words,
            direction: this.#surroundings.direction,
            styleSheet: this.#styleSheet,
            onDeed: (deed) => this.onDeed(deed, tracked.videoId),
            isOverVideo: () => position.isOverVideo(badge.body.getBoundingClientRect()),
        });
        /** @type {HungBadge} */
        const hung = { tracked, badge, position, holder: null, fullscreenElement: null, awayUntil: 0 };
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
        const all = [...this.#badges.values()];
        const found = this.#findPlaces(all);
        all.forEach(({ tracked, badge, awayUntil }, index) => {
            const { isCompact, place } = found[index];
            badge.setCompact(isCompact);
            badge.setReach(!tracked.video.matches(":fullscreen"));
            badge.place(performance.now() < awayUntil ? null : place);
        });
    }

    /** @param {HungBadge[]} all */
    #findPlaces(all) {
        const isLooking = all.some(({ position }) => position.wantsLook);
        // The first of these has the browser lay the page out, which is not the look's own time.
        const sizes = all.map(({ badge }) => badge.body.getBoundingClientRect());
        const start = performance.now();
        const hasTime = this.#budget.begin();
        const found = all.map(({ badge, position }, index) => position.find(sizes[index], badge.isShown, this.#budget));
        if (isLooking && hasTime) this.#budget.end(performance.now() - start);
        if (all.some(({ position }) => position.wantsLook)) {
            this.#restTimer ??= setTimeout(() => {
                this.#restTimer = undefined;
                this.schedule();
            }, this.#budget.restMilliseconds);
        }
        return found;
    }

    /**
     * Sees to it that the host is where it belongs, and on top.
     * @param {HungBadge} hung
     */
    #hang(hung) {
        const { host } = hung.badge;
        const isTakenAway = hung.holder?.isConnected && (host.parentNode !== hung.holder || !host.matches(":popover-open"));
        if (isTakenAway) this.#removals += 1;
        if (!hung.position.wantsLook && !isTakenAway && host.isConnected) return;
        const holder = this.#holderOf(hung.tracked.video);
        if (holder === hung.holder && !isTakenAway && hung.fullscreenElement === document.fullscreenElement) return;
        hung.holder = holder;
        hung.fullscreenElement = document.fullscreenElement;
        host.popover = "manual";
        holder.append(host);
        host.showPopover();
    }

    /**
     * The document's element; where the video is within something that is on top of the page, that: all else is under it, or out of reach.
     * @param {HTMLVideoElement} video
     * @returns {Element | ShadowRoot}
     */
    #holderOf(video) {
        for (let element = whorl.flatParent(video); element; element = whorl.flatParent(element)) {
            const isHolder = element !== document.documentElement && element.matches(whorl.ON_TOP);
            if (isHolder) return this.#surroundings.shadowRootOf(element) ?? element;
        }
        return document.documentElement;
    }
};
