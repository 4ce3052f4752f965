// @ts-check
"use strict";
var whorl = whorl || {};

/** @typedef {import("../shared/types.js").BadgeView} BadgeView */

/** One video's badge: a host of its own, and within it a closed root with a button, a menu and what is read out. */
whorl.Badge = (() => {
    class Badge {
        static HOST_NAME = "whorl-badge";
        static NOTE_MILLISECONDS = 6000;
        /** What happens on a badge is no business of the page: its shortcuts and its player's clicks stay as they are. */
        static KEPT_EVENTS = [
            "click", "dblclick", "auxclick", "contextmenu", "pointerdown", "pointerup", "mousedown", "mouseup", "touchstart", "touchend",
            "keydown", "keyup", "keypress",
        ];

        static PICKED_EVENTS = ["pointerdown", "pointerup", "mousedown", "mouseup", "click", "dblclick"];

        host = document.createElement(Badge.HOST_NAME);
        /** @type {BadgeView | null} */
        #view = null;
        /** @type {BadgeLook} */
        #look = "idle";
        /** @type {ReturnType<typeof setTimeout> | undefined} */
        #noteTimer;
        #isShown = false;
        #isWithinReach = true;
        #pickUp = (/** @type {Event} */ event) => this.#onPicked(/** @type {MouseEvent} */ (event));
        #place = new CSSStyleSheet();
        #placeText = "";

        /**
         * @param {object} outside
         * @param {BadgeWords} outside.words
         * @param {"ltr"|"rtl"} outside.direction
         * @param {(deed: BadgeDeed, badge: Badge) => Promise<void>} outside.onDeed  rejects where it did not come about
         * @param {() => boolean} outside.isOverVideo  and not over something that the page has put before it
         * @param {CSSStyleSheet} outside.styleSheet  common to all badges
         */
        constructor({ words, direction, onDeed, isOverVideo, styleSheet }) {
            this.words = words;
            this.isOverVideo = isOverVideo;
            this.onDeed = onDeed;
            const root = this.host.attachShadow({ mode: "closed" });
            root.adoptedStyleSheets = [styleSheet, this.#place];

            this.body = element("div", { class: "badge", role: "group", "aria-label": words("badge_group"), dir: direction });
            this.ask = button("ask");
            this.text = element("span", { class: "text" });
            this.more = button("more");
            this.more.setAttribute("aria-label", words("badge_menu"));
            this.more.append(whorl.badgeLook.drawing("more"));
            this.note = element("p", { class: "note", hidden: "" });
            this.spoken = element("div", { class: "spoken", role: "status", "aria-live": "polite" });
            this.menu = new whorl.badgeMenu.BadgeMenu(this.more, (deed, event, item) => this.#act(deed, event, item));
            this.guard = new whorl.BadgeGuard(this.host, this.body);
            this.body.append(this.ask, this.more, this.menu.element, this.note);
            root.append(this.body, this.spoken);

            this.ask.addEventListener("click", (event) => this.#actMain(event));
            this.more.addEventListener("click", (event) => this.#toggleMenu(event));
            this.body.addEventListener("focusout", (event) => this.#onFocusOut(event));
            for (const name of Badge.KEPT_EVENTS) this.host.addEventListener(name, (event) => event.stopPropagation());
            this.place(null);
        }

        get view() {
            return this.#view;
        }

        get isShown() {
            return this.#isShown;
        }

        /** @param {BadgeView} view */
        show(view) {
            const before = this.#view;
            if (before && JSON.stringify(before) === JSON.stringify(view)) return;
            this.#view = view;
            const look = whorl.badgeLook.lookOf(view);
            this.body.classList.remove(this.#look);
            this.body.classList.add(look);
            this.#look = look;
            this.body.classList.toggle("unmeasured", view.progress <= 0);
            this.text.textContent = view.text;
            this.ask.replaceChildren(whorl.badgeLook.drawing(look, view.progress), this.text);
            this.ask.setAttribute("aria-label", view.text);
            this.ask.setAttribute("aria-description", view.description);
            this.ask.title = view.description;
            // Only what changes is read out, and progress is not: a page that opens with ten verdicts stays silent.
            if (before && before.state !== view.state) this.spoken.textContent = view.description || view.text;
            if (before && before.state !== view.state) this.menu.close(true);
        }

        /** @param {boolean} isCompact */
        setCompact(isCompact) {
            this.body.classList.toggle("compact", isCompact);
        }

        /**
         * In full screen by itself a video has all else out of the browser's reach, badges on top of it too: clicks at their place fall on
         * the video. There they are picked up.
         * @param {boolean} isWithinReach
         */
        setReach(isWithinReach) {
            if (this.#isWithinReach === isWithinReach) return;
            this.#isWithinReach = isWithinReach;
            this.more.hidden = !isWithinReach;
            for (const name of Badge.PICKED_EVENTS) {
                if (isWithinReach) removeEventListener(name, this.#pickUp, { capture: true });
                else addEventListener(name, this.#pickUp, { capture: true });
            }
            this.guard.setReach(isWithinReach);
        }

        /**
         * Puts the badge somewhere, or takes it out of sight.
         * @param {{anchor: Anchor, left: number, top: number} | null} place  in pixels from the document's beginning or the viewport's
         */
        place(place) {
            const text = `:host { ${place ? placed(place) : OUT_OF_SIGHT} }`;
            if (text === this.#placeText) return;
            this.#placeText = text;
            this.#isShown = place !== null;
            this.#place.replaceSync(text);
            this.guard.noteMove();
            if (!place) this.menu.close(false);
        }

        stop() {
            this.setReach(true);
            clearTimeout(this.#noteTimer);
            this.menu.close(false);
            this.guard.stop();
            this.host.remove();
        }

        /** @param {Event} event */
        #actMain(event) {
            this.#act(whorl.badgeMenu.mainDeed(this.#view?.state ?? "idle"), event, this.ask);
        }

        /** @param {MouseEvent} event */
        #onPicked(event) {
            const { left, top, right, bottom } = this.ask.getBoundingClientRect();
            const { clientX: x, clientY: y } = event;
            if (!event.isTrusted || !this.#isShown || x < left || x > right || y < top || y > bottom) return;
            event.preventDefault();
            event.stopImmediatePropagation();
            if (event.type === "click") this.#actMain(event);
        }

        /** @param {Event} event */
        #toggleMenu(event) {
            if (!event.isTrusted) return;
            if (this.menu.isOpen) {
                this.menu.close(true);
                return;
            }
            this.note.hidden = true;
            this.menu.open(whorl.badgeMenu.deedsIn(this.#view?.state ?? "idle"), this.words);
            this.#turn(this.menu.element);
        }

        /**
         * @param {BadgeDeed} deed
         * @param {Event} event
         * @param {HTMLElement} clicked
         */
        #act(deed, event, clicked) {
            if (!event.isTrusted) return;
            if (!this.guard.isUncovered(clicked) || !this.isOverVideo()) {
                this.#say("badge_covered");
                return;
            }
            // The side panel opens for the click itself alone, and harms nobody; what starts something waits for the longer check.
            const allowed = deed === "ask" || deed === "again" ? this.guard.wasSeen() : null;
            if (!allowed) this.#carryOut(deed);
            else allowed.then((isSeen) => (isSeen ? this.#carryOut(deed) : this.#say("badge_covered")));
            this.menu.close(true);
        }

        /** @param {BadgeDeed} deed */
        #carryOut(deed) {
            this.onDeed(deed, this).catch(() => this.#say("badge_failed"));
        }

        /** @param {string} key */
        #say(key) {
            clearTimeout(this.#noteTimer);
            this.note.textContent = this.words(key);
            this.spoken.textContent = this.note.textContent;
            this.note.hidden = false;
            this.#turn(this.note);
            this.#noteTimer = setTimeout(() => {
                this.note.hidden = true;
            }, Badge.NOTE_MILLISECONDS);
        }

        /**
         * Turns what opens to the side that has room.
         * @param {HTMLElement} opened
         */
        #turn(opened) {
            const viewport = { width: document.documentElement.clientWidth, height: document.documentElement.clientHeight };
            const size = { width: opened.offsetWidth + 8, height: opened.offsetHeight + 14 };
            const { isAbove, isRightAligned } = whorl.badgePlace.menuSide(this.body.getBoundingClientRect(), size, viewport);
            this.body.classList.toggle("above", isAbove);
            this.body.classList.toggle("right-aligned", isRightAligned);
        }

        /** @param {FocusEvent} event */
        #onFocusOut(event) {
            if (!(event.relatedTarget instanceof Node) || !this.body.contains(event.relatedTarget)) this.menu.close(false);
        }
    }

    const OUT_OF_SIGHT = "position: fixed !important; inset: 0 auto auto 0 !important; visibility: hidden !important;";

    /** @param {{anchor: Anchor, left: number, top: number}} place */
    function placed({ anchor, left, top }) {
        return `position: ${anchor === "viewport" ? "fixed" : "absolute"} !important; inset: ${top}px auto auto ${left}px !important;`;
    }

    /** @param {string} name */
    function button(name) {
        return /** @type {HTMLButtonElement} */ (element("button", { class: name, type: "button" }));
    }

    /**
     * @param {string} name
     * @param {Record<string, string>} attributes
     */
    function element(name, attributes) {
        const made = document.createElement(name);
        for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
        return made;
    }

    return Badge;
})();
